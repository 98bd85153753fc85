import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBlockHasher } from "./block-keys.ts";
import { MapModel } from "./__fixtures__/map-model.ts";
import { createPrefixIndex } from "./prefix-table.ts";

const SLOTS = 40;

// Few different tokens and slots drawn unevenly, so that prompts share prefixes and blocks have from one to many holders.
const prompt = fc.array(fc.nat(2), { maxLength: 12 });
const slot = fc.oneof(fc.nat(3), fc.nat(SLOTS - 1));
const operation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("insert" as const), prompt, slot }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("truncate" as const), prompt, slot, from: fc.nat(10) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const), slot }) },
);

describe("prefix index properties", () => {
  it("answers like a map of sets while there is room", () => {
    const hasher = createBlockHasher({ blockTokens: 1 });
    const matched = new Int32Array(SLOTS);
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 150 }),
        fc.array(prompt, { maxLength: 8 }),
        (operations, probes) => {
          const index = createPrefixIndex({ slotCapacity: SLOTS, capacityBytes: 1 << 20 });
          const model = new MapModel(SLOTS);
          for (const step of operations) {
            if (step.kind === "clear") {
              index.clear(step.slot);
              model.clear(step.slot);
              continue;
            }
            const keys = hasher.hashTokens(Int32Array.from(step.prompt), {});
            const added = { index: 0, model: 0 };
            if (step.kind === "insert") {
              added.index = index.insert(keys, step.slot);
              added.model = model.insert(step.prompt, step.slot);
            } else {
              index.truncate(keys, step.slot, step.from);
              model.truncate(step.prompt, step.slot, step.from);
            }
            expect(added.index).toBe(added.model);
            const most = index.match(keys, matched);
            expect([...matched]).toEqual(model.match(step.prompt));
            expect(most).toBe(Math.max(0, ...matched));
          }
          for (const probe of probes) {
            index.match(hasher.hashTokens(Int32Array.from(probe), {}), matched);
            expect([...matched]).toEqual(model.match(probe));
          }
        },
      ),
      { numRuns: 150, seed: 17 },
    );
  });

  it("never claims what was not inserted, and always what was inserted last, however small it is", () => {
    const hasher = createBlockHasher({ blockTokens: 1 });
    const matched = new Int32Array(SLOTS);
    const insertion = fc.record({ prompt: fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }), slot });
    fc.assert(
      fc.property(
        fc.array(insertion, { maxLength: 150 }),
        fc.integer({ min: 14_000, max: 24_000 }),
        fc.nat(60),
        (insertions, capacityBytes, slotCapacityBlocks) => {
          const index = createPrefixIndex({ slotCapacity: SLOTS, capacityBytes });
          index.setCapacity(0, slotCapacityBlocks);
          const model = new MapModel(SLOTS);
          for (const step of insertions) {
            const keys = hasher.hashTokens(Int32Array.from(step.prompt), {});
            index.insert(keys, step.slot);
            model.insert(step.prompt, step.slot);
            index.match(keys, matched);
            expect(matched[step.slot]).toBe(step.prompt.length);
            const claimable = model.match(step.prompt);
            expect([...matched].every((blocks, each) => blocks <= claimable[each]!)).toBe(true);
            const stats = index.stats();
            expect(stats.blocks).toBeLessThanOrEqual(stats.blockCapacity);
            expect(stats.sharedBlocks).toBeLessThanOrEqual(stats.sharedBlockCapacity);
          }
          expect(index.sizeBytes).toBeLessThanOrEqual(capacityBytes);
        },
      ),
      { numRuns: 150, seed: 19 },
    );
  });
});
