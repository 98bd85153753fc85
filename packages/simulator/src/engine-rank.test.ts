import { describe, expect, it } from "vitest";
import { Engine } from "./engine.ts";
import { Faults } from "./faults.ts";
import { createManualClock, type ManualClock } from "../test/manual-clock.ts";
import { loadBuiltinModel } from "./model.ts";
import { planRequest } from "./request-plan.ts";
import { GenerateRequest, SamplingParams } from "@vllm-router/proto/messages";

const model = loadBuiltinModel();
const timing = { stepMs: 10, prefillTokensPerSecond: 1000, sequenceMs: 1, speed: 1 };

function createEngine(clock: ManualClock, speed = 1): { engine: Engine; faults: Faults } {
  const faults = new Faults(() => engine.wake());
  const engine = new Engine(
    {
      model,
      seed: 0,
      limits: { blockSize: 16, kvBlocks: 100, maxNumSeqs: 4, maxNumBatchedTokens: 100 },
      maxModelLen: 1000,
      maxLogprobs: 20,
      timing: { ...timing, speed },
      dataParallelSize: 2,
      clock,
      faults,
      kvRootHash: 1n,
    },
    { kvEvents: () => undefined, died: () => undefined },
  );
  return { engine, faults };
}

/** Submits a prompt; returns the times at which its tokens came. */
function submit(engine: Engine, promptTokens: number, dataParallelRank?: number): number[] {
  const times: number[] = [];
  const request = GenerateRequest.fromPartial({
    input: { $case: "tokenized", value: { inputIds: Array.from({ length: promptTokens }, (_, id) => id) } },
    samplingParams: SamplingParams.fromPartial({ temperature: 0, maxTokens: 3 }),
    dataParallelRank,
  });
  const plan = planRequest(request, engine);
  engine.submit({
    id: "a",
    rank: plan.rank,
    sequences: plan.sequences,
    sink: { token: () => times.push(engine.options.clock.monotonicMs()) },
    aborted: () => undefined,
  });
  return times;
}

describe("EngineRank", () => {
  it("takes base + prefill + batch for every step", () => {
    const clock = createManualClock();
    const times = submit(createEngine(clock).engine, 50);
    clock.advance(1000);
    expect(times).toEqual([60, 71, 82]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("divides times by the speed and multiplies them by the slow fault", () => {
    const clock = createManualClock();
    const { engine, faults } = createEngine(clock, 10);
    faults.slowFactor = 5;
    const times = submit(engine, 50);
    clock.advance(1000);
    expect(times).toEqual([30, 35.5, 41]);
  });

  it("hangs in the middle of a step and goes on with it", () => {
    const clock = createManualClock();
    const { engine, faults } = createEngine(clock);
    const times = submit(engine, 50);
    clock.advance(30);
    faults.isHanging = true;
    clock.advance(500);
    expect(times).toEqual([]);
    faults.isHanging = false;
    clock.advance(500);
    expect(times).toHaveLength(3);
    expect(times[0]).toBe(530);
  });

  it("computes chunks of a long prompt in several steps", () => {
    const clock = createManualClock();
    const times = submit(createEngine(clock).engine, 250);
    clock.advance(1000);
    expect(times[0]).toBe(110 + 110 + 60);
  });

  it("spreads requests over ranks unless they are pinned", () => {
    const clock = createManualClock();
    const { engine } = createEngine(clock);
    submit(engine, 10);
    submit(engine, 10);
    expect(engine.ranks.map(({ waitingCount }) => waitingCount)).toEqual([1, 1]);
    submit(engine, 10, 1);
    expect(engine.ranks.map(({ waitingCount }) => waitingCount)).toEqual([1, 2]);
    expect(() => submit(engine, 10, 2)).toThrow("data_parallel_rank 2 is out of range [0, 2).");
  });

  it("reports throughput over two seconds and the hit rate", () => {
    const clock = createManualClock();
    const { engine } = createEngine(clock);
    submit(engine, 40, 0);
    clock.advance(200);
    submit(engine, 40, 0);
    clock.advance(200);
    const loads = engine.ranks[0]?.loads;
    expect(loads?.genThroughput()).toBe(3);
    expect(loads?.cacheHitRate()).toBeCloseTo(32 / 80);
    clock.advance(2100);
    expect(loads?.genThroughput()).toBe(0);
  });
});
