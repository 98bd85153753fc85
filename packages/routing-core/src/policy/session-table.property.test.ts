import fc from "fast-check";
import { expect, it } from "vitest";
import { DecisionInputBuffer } from "../decision/decision-input.ts";
import { SessionTable } from "./session-table.ts";
import { SharedSessionTable, sharedSessionsSizeBytes } from "./shared-session-table.ts";

const SLOTS = 3;

function sharedTable(bounds: { readonly capacity: number; readonly ttlMs: number }): SharedSessionTable {
  const size = { ...bounds, slotCapacity: SLOTS };
  return new SharedSessionTable(new SharedArrayBuffer(sharedSessionsSizeBytes(size)), size);
}

it.each(["own", "shared"])(
  "never exceeds its bound and counts each slot's sessions right, whatever comes (%s)",
  (memory) => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 12 }),
      candidate: fc.integer({ min: 0, max: 2 }),
      afterMs: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 6 }), (steps, capacity) => {
        const table =
          memory === "own"
            ? new SessionTable({ capacity, ttlMs: 100 })
            : sharedTable({ capacity, ttlMs: 100 });
        const input = new DecisionInputBuffer();
        input.begin({ candidates: 3, drawCount: 0, valueCount: 1 });
        [0, 1, 2].forEach((slot) => input.addCandidate(`w${slot}`, slot, 0));
        for (const { key, candidate, afterMs } of steps) {
          input.atMs += afterMs;
          table.bind(key, input, candidate);
          expect(table.candidateOf(key, input)).toBe(candidate);
          expect(table.size).toBeLessThanOrEqual(capacity);
          expect([0, 1, 2].reduce((sum, slot) => sum + table.countOf(slot), 0)).toBe(table.size);
        }
      }),
      { numRuns: 200, seed: 3 },
    );
  },
);

it("answers in every thread as one table would, as long as there is room", () => {
  const step = fc.record({
    thread: fc.nat(1),
    key: fc.integer({ min: 0, max: 2 ** 53 - 1 }),
    again: fc.nat(20),
    candidate: fc.nat(2),
    afterMs: fc.nat(60),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const bounds = { capacity: 4_096, ttlMs: 100, slotCapacity: SLOTS };
      const buffer = new SharedArrayBuffer(sharedSessionsSizeBytes(bounds));
      const tables = [0, 1].map(() => new SharedSessionTable(buffer, bounds));
      const model = new SessionTable(bounds);
      const input = new DecisionInputBuffer();
      input.begin({ candidates: 3, drawCount: 0, valueCount: 1 });
      [0, 1, 2].forEach((slot) => input.addCandidate(`w${slot}`, slot, 0));
      const keys = [0];
      for (const { thread, key, again, candidate, afterMs } of steps) {
        input.atMs += afterMs;
        keys.push(key);
        const asked = keys[Math.max(0, keys.length - 1 - again)]!;
        expect(tables[1 - thread]!.candidateOf(asked, input)).toBe(model.candidateOf(asked, input));
        tables[thread]!.bind(asked, input, candidate);
        model.bind(asked, input, candidate);
      }
      input.begin({ candidates: 1, drawCount: 0, valueCount: 1 });
      input.addCandidate("another worker", 0, 0);
      for (const key of keys) {
        expect(tables[0]!.candidateOf(key, input)).toBe(model.candidateOf(key, input));
      }
    }),
    { numRuns: 100, seed: 7 },
  );
});

it("goes on when a thread has died while it held the lock", () => {
  const bounds = { capacity: 16, ttlMs: 100, slotCapacity: SLOTS };
  const buffer = new SharedArrayBuffer(sharedSessionsSizeBytes(bounds));
  const table = new SharedSessionTable(buffer, bounds);
  new Int32Array(buffer)[0] = 1;
  const input = new DecisionInputBuffer();
  input.begin({ candidates: 1, drawCount: 0, valueCount: 1 });
  input.addCandidate("w0", 0, 0);
  table.bind(5, input, 0);
  expect(table.candidateOf(5, input)).toBe(0);
});
