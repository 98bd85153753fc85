import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MapModel } from "./__fixtures__/map-model.ts";
import { createBlockHasher } from "./block-keys.ts";
import { createPrefixIndex } from "./prefix-table.ts";
import type { PrefixIndex } from "./prefix-index.ts";

const SLOTS = 40;

// Two interleavings of a reader and the writer of one shared table: the writer's operations between any two reads of a
// lookup, and a lookup between any two stores of an operation.
const prompt = fc.array(fc.nat(2), { minLength: 1, maxLength: 12 });
const slot = fc.oneof(fc.nat(3), fc.nat(SLOTS - 1));
const operation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("insert" as const), prompt, slot }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("truncate" as const), prompt, slot, from: fc.nat(10) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const), slot }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const hasher = createBlockHasher({ blockTokens: 1 });

function keysOf(tokens: readonly number[]) {
  const keys = hasher.hashTokens(Int32Array.from(tokens), {});
  return { ...keys, words: keys.words.slice(0, 2 * keys.count) };
}

interface Twins {
  readonly index: PrefixIndex;
  readonly model: MapModel;
}

/** Does an operation, and tells of every state of it that a reader may see. */
function apply(step: Operation, { index, model }: Twins, told?: () => void): void {
  switch (step.kind) {
    case "insert":
      index.insert(keysOf(step.prompt), step.slot);
      for (let end = 1; end <= step.prompt.length; end += 1) {
        model.insert(step.prompt.slice(0, end), step.slot);
        told?.();
      }
      return;
    case "truncate":
      index.truncate(keysOf(step.prompt), step.slot, step.from);
      // From the front to the back, as the table does it.
      for (let end = step.from + 1; end <= step.prompt.length; end += 1) {
        model.truncate(step.prompt.slice(0, end), step.slot, end - 1);
        told?.();
      }
      return;
    case "clear":
      index.clear(step.slot);
      model.clear(step.slot);
      told?.();
  }
}

/** The table with somebody who looks on: called before each read or after each store of a single word. */
function watched(on: { readonly read?: () => void; readonly stored?: () => void }) {
  return (table: Int32Array): Int32Array =>
    new Proxy(table, {
      get(target, property) {
        if (typeof property === "string" && property >= "0" && property <= "9999999") {
          on.read?.();
        }
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
      set(target, property, value) {
        const isSet = Reflect.set(target, property, value, target);
        on.stored?.();
        return isSet;
      },
    });
}

function sharedBuffer(capacityBytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(createPrefixIndex({ slotCapacity: SLOTS, capacityBytes }).sizeBytes);
}

describe("a reader beside the writer of a prefix index", () => {
  it("sees the table of one instant, wherever operations come between its reads", () => {
    const capacityBytes = 1 << 17;
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 40 }),
        fc.array(
          fc.record({ probe: prompt, burst: fc.array(operation, { maxLength: 3 }), after: fc.nat(60) }),
          { minLength: 1, maxLength: 12 },
        ),
        (first, rounds) => {
          const buffer = sharedBuffer(capacityBytes);
          const writer = createPrefixIndex({ slotCapacity: SLOTS, capacityBytes: buffer.byteLength, buffer });
          const model = new MapModel(SLOTS);
          let read = (): void => undefined;
          const reader = createPrefixIndex(
            { slotCapacity: SLOTS, capacityBytes: buffer.byteLength, buffer },
            watched({ read: () => read() }),
          );
          for (const step of first) {
            apply(step, { index: writer, model });
          }
          const matched = new Int32Array(SLOTS);
          for (const { probe, burst, after } of rounds) {
            const answers = new Set([model.match(probe).join()]);
            const pending = [...burst];
            let reads = 0;
            read = () => {
              reads += 1;
              if (reads % (after + 1) === 0) {
                const step = pending.shift();
                if (step !== undefined) {
                  apply(step, { index: writer, model });
                  answers.add(model.match(probe).join());
                }
              }
            };
            const most = reader.match(keysOf(probe), matched);
            read = () => undefined;
            expect(answers).toContain(matched.join());
            expect(most).toBe(Math.max(0, ...matched));
          }
          expect(reader.stats().unsettledMatches).toBe(0);
        },
      ),
      { numRuns: 60, seed: 23 },
    );
  });

  it("knows when it came in the middle of an operation, and is right otherwise", () => {
    let settled = 0;
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 60 }),
        fc.array(prompt, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(1 << 15, 15_000),
        (operations, probes, capacityBytes) => {
          const buffer = sharedBuffer(capacityBytes);
          const reader = createPrefixIndex({ slotCapacity: SLOTS, capacityBytes: buffer.byteLength, buffer });
          let stored = (): void => undefined;
          const writer = createPrefixIndex(
            { slotCapacity: SLOTS, capacityBytes: buffer.byteLength, buffer },
            watched({ stored: () => stored() }),
          );
          const model = new MapModel(SLOTS);
          const matched = new Int32Array(SLOTS);
          const seen = probes.map(() => new Set<string>());
          const probeKeys = probes.map(keysOf);
          stored = () => {
            for (const [at, keys] of probeKeys.entries()) {
              const unsettled = reader.stats().unsettledMatches;
              reader.match(keys, matched);
              if (reader.stats().unsettledMatches === unsettled) {
                seen[at]!.add(matched.join());
                settled += 1;
              }
            }
          };
          for (const step of operations) {
            const answers = probes.map((probe) => [model.match(probe)]);
            seen.forEach((each) => each.clear());
            apply(step, { index: writer, model }, () => {
              probes.forEach((probe, at) => answers[at]!.push(model.match(probe)));
            });
            for (const [at, each] of seen.entries()) {
              const allowed = answers[at]!;
              // Where blocks are evicted some may be missing, but nothing may be made up.
              const isMade = (answer: string): boolean =>
                capacityBytes > 15_000
                  ? !allowed.some((one) => one.join() === answer)
                  : answer.split(",").some((blocks, of) => allowed.every((one) => Number(blocks) > one[of]!));
              expect([...each].filter(isMade)).toEqual([]);
            }
          }
        },
      ),
      { numRuns: 20, seed: 29 },
    );
    expect(settled).toBeGreaterThan(500);
  });

  it("is not made to look again by workers that are given what they have", () => {
    const buffer = sharedBuffer(1 << 17);
    const options = { slotCapacity: SLOTS, capacityBytes: buffer.byteLength, buffer };
    const writer = createPrefixIndex(options);
    const keys = keysOf([1, 2, 0, 1, 2, 2]);
    // Up to four workers have the same block in one place, more of them in another.
    const isSettled = [1, 4, 9].map((workers) => {
      const giveAll = (): void => {
        for (let each = 0; each < workers; each += 1) {
          writer.insert(keys, each);
        }
      };
      giveAll();
      const reader = createPrefixIndex(options, watched({ read: giveAll }));
      const most = reader.match(keys, new Int32Array(SLOTS));
      return [most, reader.stats().unsettledMatches];
    });
    expect(isSettled).toEqual([
      [6, 0],
      [6, 0],
      [6, 0],
    ]);
  });
});
