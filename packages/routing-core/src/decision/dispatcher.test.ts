import { describe, expect, it } from "vitest";
import { createLedger } from "../ledger.ts";
import { createPolicy } from "../policy/policy-registry.ts";
import { createPrefixIndex } from "../prefix/prefix-table.ts";
import { createSeededRandom } from "../random-source.ts";
import type { Generation } from "../generation.ts";
import { createSnapshot, createWorkerView, type WorkerDescription } from "../snapshot.ts";
import { createDispatcher, type Dispatcher } from "./dispatcher.ts";
import type { PlaceDecision } from "./decision.ts";

function generation(fields: Partial<Generation> = {}): Generation {
  return {
    requestId: "r",
    model: "m",
    promptTokens: fields.tokenIds?.length ?? 100,
    maxTokens: 16,
    requiredFields: [],
    excludedWorkers: [],
    ...fields,
  };
}

function setUp(policyName: string, descriptions: readonly Partial<WorkerDescription>[]) {
  const ledger = createLedger({ slotCapacity: 64 });
  const index = createPrefixIndex({ slotCapacity: 64, capacityBytes: 1 << 20 });
  const dispatcher: Dispatcher = createDispatcher({
    policy: createPolicy(policyName),
    ledger,
    index,
    recorder: index,
    clock: () => 1000,
    random: createSeededRandom(1),
  });
  let slot = 0;
  const workers = descriptions.map((description, index) => {
    const worker = createWorkerView({ slot, id: `http://w${index}`, models: ["m"], ...description });
    slot += worker.ranks;
    return worker;
  });
  const snapshot = createSnapshot({ version: 1, publishedAtMs: 900, workers });
  const run = (fields: Partial<Generation> = {}) =>
    dispatcher.decide(dispatcher.gather(generation(fields), snapshot));
  return { ledger, index, dispatcher, snapshot, run };
}

describe("dispatcher", () => {
  it("says what stopped the worker that came closest", () => {
    expect(setUp("random", []).run()).toEqual({ kind: "none", reason: "no_workers" });
    expect(setUp("random", [{ models: ["other"] }]).run()).toEqual({
      kind: "none",
      reason: "model_not_found",
    });
    expect(setUp("random", [{ isHealthy: false }]).run()).toEqual({ kind: "none", reason: "unhealthy" });
    expect(setUp("random", [{ isDraining: true }]).run()).toEqual({ kind: "none", reason: "draining" });
    expect(setUp("random", [{ breaker: "open" }]).run()).toEqual({ kind: "none", reason: "breaker_open" });
    expect(setUp("random", [{}, { isHealthy: false }]).run({ excludedWorkers: ["http://w0"] })).toEqual({
      kind: "none",
      reason: "all_excluded",
    });
    expect(
      setUp("random", [{ unsupportedFields: new Set(["n"]) }]).run({ requiredFields: ["seed", "n"] }),
    ).toEqual({ kind: "none", reason: "unsupported_field" });
  });

  it("waits when every candidate is full, and goes on after a release", () => {
    const { run, dispatcher, ledger } = setUp("round_robin", [{ maxInFlightPerRank: 1 }]);
    const settlement = dispatcher.settle(run() as PlaceDecision);
    expect(run()).toEqual({ kind: "wait", reason: "full" });
    expect(settlement.release()).toBe(true);
    expect(settlement.release()).toBe(false);
    expect(ledger.doubleReleases).toBe(1);
    expect(run().kind).toBe("place");
    expect(ledger.totalRequests()).toBe(0);
  });

  it("sends the second turn of a conversation to the worker of the first", () => {
    const { run, dispatcher } = setUp("cache_aware", [{}, {}, {}, {}]);
    const tokens = Int32Array.from({ length: 320 }, (_, index) => index * 7);
    const first = run({ tokenIds: tokens.subarray(0, 160) }) as PlaceDecision;
    dispatcher.settle(first);
    for (let other = 0; other < 3; other += 1) {
      dispatcher.settle(
        run({
          tokenIds: Int32Array.from({ length: 64 }, (_, index) => other * 1000 + index),
        }) as PlaceDecision,
      );
    }
    const second = run({ tokenIds: tokens }) as PlaceDecision;
    expect(second.reason).toBe("prefix");
    expect(second.legs[0]).toMatchObject({ worker: first.legs[0]?.worker, matchedTokens: 160 });
  });

  it("refuses to settle a decision twice or late", () => {
    const { run, dispatcher } = setUp("random", [{}, {}]);
    const early = run() as PlaceDecision;
    const late = run() as PlaceDecision;
    expect(() => dispatcher.settle(early)).toThrow(expect.objectContaining({ code: "stale_decision" }));
    dispatcher.settle(late);
    expect(() => dispatcher.settle(late)).toThrow(expect.objectContaining({ code: "stale_decision" }));
  });
});
