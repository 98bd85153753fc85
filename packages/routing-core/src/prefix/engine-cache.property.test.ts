import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ToldEngine } from "./__fixtures__/told-engine.ts";
import { createBlockHasher } from "./block-keys.ts";
import { createEngineCaches } from "./engine-caches.ts";
import { createPrefixIndex } from "./prefix-table.ts";

const hasher = createBlockHasher({ blockTokens: 2 });
const tokens = fc.array(fc.nat(1), { minLength: 0, maxLength: 16 });
const step = fc.record({
  kind: fc.constantFrom(
    "store" as const,
    "store" as const,
    "remove" as const,
    "place" as const,
    "clear" as const,
  ),
  slot: fc.nat(2),
  tokens,
  from: fc.nat(3),
});

describe("engine cache properties", () => {
  it("claims exactly what engines say while there is room, and never more than that when there is none", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.boolean(),
        fc.constantFrom(2, 4),
        (steps, isTight, size) => {
          const all = createEngineCaches({
            index: createPrefixIndex({ slotCapacity: 3, capacityBytes: isTight ? 3_000 : 1 << 17 }),
            slotCapacity: 3,
            clock: () => 0,
            blockTokens: 2,
            toldBytes: isTight ? 1 : 1 << 16,
            // Nothing that is placed counts: only what is told is under test.
            speculationMs: 0,
          });
          const engines = [0, 1, 2].map(() => new ToldEngine(size));
          const copies = [0, 1, 2].map(() => new Map<string, number>());
          engines.forEach((_, slot) => all.cache(slot).beginTelling());
          const matched = new Int32Array(3);
          for (const { kind, slot, tokens: prompt, from } of steps) {
            const blocks = Math.floor(prompt.length / size);
            const held = copies[slot]!;
            const name = (block: number): string => prompt.slice(0, (block + 1) * size).join();
            const start = Math.min(from, blocks);
            const isKnown = start === 0 || (held.get(name(start - 1)) ?? 0) > 0;
            if (kind === "store" && isKnown && start < blocks) {
              all.cache(slot).apply(engines[slot]!.stored(prompt, start));
              for (let block = start; block < blocks; block += 1) {
                held.set(name(block), Math.min(2, (held.get(name(block)) ?? 0) + 1));
              }
            } else if (kind === "remove" && start < blocks) {
              all.cache(slot).apply(engines[slot]!.removed(prompt, start));
              for (let block = start; block < blocks; block += 1) {
                held.set(name(block), Math.max(0, (held.get(name(block)) ?? 0) - 1));
              }
            } else if (kind === "place") {
              const keys = hasher.hashTokens(Int32Array.from(prompt), {});
              all.match(keys, matched);
              all.insert(keys, slot);
              all.expire();
            } else if (kind === "clear") {
              all.cache(slot).apply({ kind: "cleared" });
              held.clear();
            }
            all.match(hasher.hashTokens(Int32Array.from([...prompt, 9]), {}), matched);
            copies.forEach((each, other) => {
              let leading = 0;
              while (leading < blocks && (each.get(name(leading)) ?? 0) > 0) leading += 1;
              const claimed = (matched[other]! * 2) / size;
              expect(claimed).toBeLessThanOrEqual(leading);
              expect(claimed).toBeGreaterThanOrEqual(isTight ? 0 : leading);
            });
            expect(all.stats().toldBlocks).toBeLessThanOrEqual(all.stats().toldBlockCapacity);
          }
        },
      ),
      { numRuns: 150, seed: 23 },
    );
  });
});
