import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ScheduledSequence, scheduledSequence } from "./scheduled-sequence.ts";
import { Scheduler } from "./scheduler.ts";

const limits = { blockSize: 4, kvBlocks: 12, maxNumSeqs: 3, maxNumBatchedTokens: 10 };
const action = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    ids: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 20 }),
  }),
  fc.record({ kind: fc.constant("step" as const) }),
  fc.record({ kind: fc.constant("remove" as const), which: fc.nat({ max: 5 }) }),
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** What a run broke; nothing when all went well. */
function violations(actions: readonly Action[]): string[] {
  const scheduler = new Scheduler(limits, 5n);
  const live: ScheduledSequence[] = [];
  const copies = new Map<bigint, number>();
  const found: string[] = [];
  const check = (isFine: boolean, what: string): void => void (isFine || found.push(what));
  for (const each of actions) {
    if (each.kind === "add") {
      const sequence = scheduledSequence(each.ids, true);
      live.push(sequence);
      scheduler.add(sequence);
    } else if (each.kind === "remove") {
      for (const sequence of live.splice(each.which % (live.length + 1), 1)) scheduler.remove(sequence);
    } else {
      const step = scheduler.step();
      const tokens = (step?.prefillTokens ?? 0) + (step?.decodeSequences ?? 0);
      check(tokens <= limits.maxNumBatchedTokens, "token budget");
      growSampled(scheduler, live);
    }
    check(scheduler.runningCount <= limits.maxNumSeqs, "running sequences");
    check(follow(copies, scheduler), "removed what was not stored");
    const used = new Set(live.flatMap(({ blocks }) => blocks)).size / (limits.kvBlocks - 1);
    check(Math.abs(scheduler.kvUsage - used) < 1e-9, "blocks in use");
  }
  check([...copies.values()].reduce((sum, count) => sum + count, 0) < limits.kvBlocks, "cached blocks");
  for (const sequence of live) scheduler.remove(sequence);
  check(scheduler.kvUsage === 0 && scheduler.clearCache(), "blocks left in use");
  return found;
}

function growSampled(scheduler: Scheduler, live: ScheduledSequence[]): void {
  for (const sequence of scheduler.sampling) {
    sequence.tokens.push(1);
    // Shorter than the cache, so that one sequence alone always fits.
    if (sequence.tokens.length < 40) continue;
    scheduler.remove(sequence);
    live.splice(live.indexOf(sequence), 1);
  }
}

function follow(copies: Map<bigint, number>, scheduler: Scheduler): boolean {
  let isFine = true;
  for (const event of scheduler.takeEvents()) {
    if (event.kind === "cleared") copies.clear();
    else {
      for (const hash of event.hashes) {
        const count = (copies.get(hash) ?? 0) + (event.kind === "stored" ? 1 : -1);
        isFine &&= count >= 0;
        copies.set(hash, count);
      }
    }
  }
  return isFine;
}

describe("Scheduler, any order of arrivals, steps and removals", () => {
  it("loses no block, respects its limits, and tells the cache's content by events alone", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        expect(violations(actions)).toEqual([]);
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
