import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSnapshot, createWorkerView, type Snapshot } from "../snapshot.ts";
import { HashRing } from "./hash-ring.ts";

/** Who owns each of 200 keys. Names instead of slots, because slots differ between fleets. */
function owners(ring: HashRing, snapshot: Snapshot): string[] {
  ring.update(snapshot);
  return Array.from({ length: 200 }, (_, key) => {
    const slot = ring.slotAt(ring.indexOf(Math.imul(key, 0x9e3779b1) >>> 0));
    const worker = snapshot.workers.find((view) => view.slot <= slot && slot < view.slot + view.ranks)!;
    return `${worker.id}@${slot - worker.slot}`;
  });
}

describe("HashRing", () => {
  it("is the same however its members came and went, and whatever slots they have", () => {
    const member = fc.record({ name: fc.nat(9), ranks: fc.integer({ min: 1, max: 2 }) });
    const members = fc.uniqueArray(member, { selector: ({ name }) => name, minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(members, { minLength: 1, maxLength: 6 }), (history) => {
        const grown = new HashRing(20);
        for (const [version, names] of history.entries()) {
          let slot = version % 3;
          const workers = names.map(({ name, ranks }) => {
            const worker = createWorkerView({ id: `http://w${name}`, slot, ranks });
            slot += ranks;
            return worker;
          });
          const snapshot = createSnapshot({ version, publishedAtMs: 0, workers });
          const sorted = workers.toSorted((a, b) => (a.id < b.id ? -1 : 1));
          const fresh = new HashRing(20);
          expect(owners(grown, snapshot)).toEqual(owners(fresh, { ...snapshot, workers: sorted }));
          expect(grown.size).toBe(fresh.size);
        }
      }),
      { numRuns: 60, seed: 41 },
    );
  });
});
