import { describe, expect, it } from "vitest";
import { type ScheduledSequence, scheduledSequence } from "./scheduled-sequence.ts";
import { Scheduler, type SchedulerLimits } from "./scheduler.ts";

const roomy: SchedulerLimits = { blockSize: 4, kvBlocks: 65, maxNumSeqs: 8, maxNumBatchedTokens: 64 };
const prompt = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index);

/** Runs one step and gives every sequence that is due one token. */
function runStep(scheduler: Scheduler, token = 7): ReturnType<Scheduler["step"]> {
  const step = scheduler.step();
  for (const sequence of scheduler.sampling) sequence.tokens.push(token);
  return step;
}

function add(scheduler: Scheduler, ids: readonly number[], readsPrefixCache = true): ScheduledSequence {
  const sequence = scheduledSequence(ids, readsPrefixCache);
  scheduler.add(sequence);
  return sequence;
}

describe("Scheduler", () => {
  it("computes a prompt in one step and then one token per step", () => {
    const scheduler = new Scheduler(roomy, 0n);
    const sequence = add(scheduler, prompt(10));
    expect(runStep(scheduler)).toMatchObject({ prefillTokens: 10, decodeSequences: 0 });
    expect(runStep(scheduler)).toMatchObject({ prefillTokens: 0, decodeSequences: 1 });
    expect(sequence.tokens).toHaveLength(12);
    scheduler.remove(sequence);
    expect(scheduler.step()).toBeUndefined();
    expect(scheduler.kvUsage).toBe(0);
  });

  it("computes long prompts in chunks beside running sequences", () => {
    const scheduler = new Scheduler({ ...roomy, maxNumBatchedTokens: 8 }, 0n);
    const short = add(scheduler, prompt(4));
    runStep(scheduler);
    const long = add(scheduler, prompt(20, 100));
    expect(runStep(scheduler)).toMatchObject({ prefillTokens: 7, decodeSequences: 1 });
    expect(runStep(scheduler)).toMatchObject({ prefillTokens: 7, decodeSequences: 1 });
    expect(long.tokens).toHaveLength(20);
    expect(runStep(scheduler)).toMatchObject({ prefillTokens: 6, decodeSequences: 1 });
    expect(long.tokens).toHaveLength(21);
    expect(short.tokens).toHaveLength(8);
  });

  it("keeps sequences waiting beyond max-num-seqs, in order of arrival", () => {
    const scheduler = new Scheduler({ ...roomy, maxNumSeqs: 1 }, 0n);
    const first = add(scheduler, prompt(3));
    const second = add(scheduler, prompt(3, 50));
    runStep(scheduler);
    expect([scheduler.runningCount, scheduler.waitingCount, scheduler.waitingTokens]).toEqual([1, 1, 3]);
    scheduler.remove(first);
    runStep(scheduler);
    expect(second.tokens).toHaveLength(4);
  });

  it("finds cached prefixes in whole blocks, of the output too", () => {
    const scheduler = new Scheduler(roomy, 0n);
    const first = add(scheduler, prompt(10));
    for (let step = 0; step < 4; step++) runStep(scheduler, 99);
    scheduler.remove(first);
    const again = add(scheduler, [...prompt(10), 99, 99, 99, 99]);
    expect(runStep(scheduler)).toMatchObject({ prefillTokens: 2 });
    expect(again.cachedTokens).toBe(12);
    const other = add(scheduler, [...prompt(9), 1000]);
    runStep(scheduler);
    expect(other.cachedTokens).toBe(8);
  });

  it("computes at least the last token of a prompt that is cached as a whole", () => {
    const scheduler = new Scheduler(roomy, 0n);
    scheduler.remove(addAndRun(scheduler, prompt(8)));
    const again = addAndRun(scheduler, prompt(8));
    expect(again.cachedTokens).toBe(4);
  });

  it("does not read the cache for prompt logprobs", () => {
    const scheduler = new Scheduler(roomy, 0n);
    scheduler.remove(addAndRun(scheduler, prompt(12)));
    const again = add(scheduler, prompt(12), false);
    runStep(scheduler);
    expect(again.cachedTokens).toBe(0);
  });

  it("reports stored blocks with their parent, evictions oldest first, and a cleared cache", () => {
    const scheduler = new Scheduler({ ...roomy, kvBlocks: 5 }, 0n);
    const first = addAndRun(scheduler, prompt(9));
    const [stored] = scheduler.takeEvents();
    expect(stored).toMatchObject({ kind: "stored", parent: undefined, tokenIds: prompt(8) });
    const hashes = stored?.kind === "stored" ? stored.hashes : [];
    expect(new Set(hashes).size).toBe(2);
    for (let step = 0; step < 3; step++) runStep(scheduler);
    expect(scheduler.takeEvents()).toMatchObject([{ kind: "stored", parent: hashes[1] }]);
    scheduler.remove(first);
    addAndRun(scheduler, prompt(9, 500));
    const removed = scheduler.takeEvents().filter(({ kind }) => kind === "removed");
    // The end of the first sequence goes before its beginning.
    expect(removed.flatMap((event) => (event.kind === "removed" ? event.hashes : []))).not.toContain(
      hashes[0],
    );
    expect(scheduler.clearCache()).toBe(false);
    scheduler.remove(addAndRun(scheduler, prompt(1)));
  });

  it("preempts the youngest sequence when blocks run out and finishes it later", () => {
    const scheduler = new Scheduler({ ...roomy, kvBlocks: 6 }, 0n);
    const old = add(scheduler, prompt(7));
    const young = add(scheduler, prompt(7, 100));
    for (let step = 0; step < 8; step++) runStep(scheduler);
    expect(scheduler.waitingCount).toBe(1);
    expect(young.tokens.length).toBeLessThan(old.tokens.length);
    const before = young.tokens.length;
    scheduler.remove(old);
    runStep(scheduler);
    expect(young.tokens).toHaveLength(before + 1);
    expect(young.cachedTokens).toBe(0);
    scheduler.remove(young);
    expect(scheduler.clearCache()).toBe(true);
    expect(scheduler.takeEvents().at(-1)).toEqual({ kind: "cleared" });
  });

  function addAndRun(scheduler: Scheduler, ids: readonly number[]): ScheduledSequence {
    const sequence = add(scheduler, ids);
    runStep(scheduler);
    return sequence;
  }
});
