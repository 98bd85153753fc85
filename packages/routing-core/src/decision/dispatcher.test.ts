import { describe, expect, it } from "vitest";
import { createTestFleet, plainWorkers, testGeneration, testWorkers } from "../__fixtures__/test-fleet.ts";
import type { Generation } from "../generation.ts";
import { createLedger } from "../ledger.ts";
import { createPolicy } from "../policy/policy-registry.ts";
import { createPrefixIndex } from "../prefix/prefix-table.ts";
import { createBreakerBoard } from "../resilience/breaker-board.ts";
import { BREAKER_DEFAULTS } from "../resilience/circuit-breaker.ts";
import { createSnapshot, type WorkerView } from "../snapshot.ts";
import type { PlaceDecision } from "./decision.ts";
import { createDispatcher } from "./dispatcher.ts";

const ask = (workers: readonly Partial<WorkerView>[], fields = {}) =>
  createTestFleet({ policy: "random", workers: testWorkers(workers) }).ask(testGeneration(1, fields));

describe("createDispatcher()", () => {
  it("says what stopped the worker that came closest", () => {
    const none = (reason: string) => ({ kind: "none", reason });
    expect(ask([])).toEqual(none("no_workers"));
    expect(ask([{ models: ["other"] }])).toEqual(none("model_not_found"));
    expect(ask([{ role: "prefill" }])).toEqual(none("model_not_found"));
    expect(ask([{ models: ["other"] }, { isHealthy: false }])).toEqual(none("unhealthy"));
    expect(ask([{ isHealthy: false }, { isDraining: true }])).toEqual(none("draining"));
    expect(ask([{ isDraining: true }, { breaker: "open" }])).toEqual(none("breaker_open"));
    expect(ask([{}, { breaker: "open" }], { excludedWorkers: ["http://w0"] })).toEqual(none("all_excluded"));
    expect(ask([{ ranks: 2 }], { rank: 2 })).toEqual(none("rank_not_found"));
    expect(ask([{ ranks: 2 }], { rank: -1 })).toEqual(none("rank_not_found"));
    const unsupportedFields = new Set(["n"]);
    const requiredFields = ["seed", "n"];
    expect(ask([{ unsupportedFields }], { requiredFields })).toEqual(none("unsupported_field"));
    expect(ask([{ unsupportedFields }, { isHealthy: false }], { requiredFields })).toEqual(none("unhealthy"));
  });

  it("takes any worker where no model is named, and any model where a worker names none", () => {
    expect(ask([{ models: ["other"] }], { model: "" }).kind).toBe("place");
    expect(ask([{ models: [] }]).kind).toBe("place");
  });

  it("waits when every candidate is full, and goes on after a release", () => {
    const fleet = createTestFleet({
      policy: "round_robin",
      workers: testWorkers([{ maxInFlightPerRank: 1 }]),
    });
    const { settlement } = fleet.place(testGeneration(1));
    expect(fleet.ask(testGeneration(2))).toEqual({ kind: "wait", reason: "full" });
    settlement.release();
    expect(fleet.ask(testGeneration(2)).kind).toBe("place");
  });

  it("places on the ranks that are not full", () => {
    const workers = testWorkers([{ ranks: 2, maxInFlightPerRank: 1 }, { isHealthy: false }]);
    const fleet = createTestFleet({ policy: "random", workers });
    const ranks = [1, 2].map((identity) => fleet.place(testGeneration(identity)).decision.legs[0]!.rank);
    expect(new Set(ranks)).toEqual(new Set([0, 1]));
    expect(fleet.ask(testGeneration(3))).toEqual({ kind: "wait", reason: "full" });
  });

  it("releases exactly once", () => {
    const fleet = createTestFleet({ policy: "random", workers: plainWorkers(1) });
    const { settlement } = fleet.place(testGeneration(1));
    settlement.firstOutput();
    settlement.addOutput(6);
    expect([fleet.ledger.prefillTokens(0), fleet.ledger.decodeTokens(0)]).toEqual([0, 70]);
    expect([settlement.isReleased, settlement.release(), settlement.release()]).toEqual([false, true, false]);
    expect([settlement.isReleased, fleet.ledger.doubleReleases, fleet.ledger.isIdle(0)]).toEqual([
      true,
      1,
      true,
    ]);
  });

  it("refuses to settle or explain a decision twice or late", () => {
    const fleet = createTestFleet({ policy: "random", workers: plainWorkers(2) });
    const stale = expect.objectContaining({ code: "stale_decision" });
    const early = fleet.ask(testGeneration(1)) as PlaceDecision;
    const late = fleet.ask(testGeneration(1)) as PlaceDecision;
    expect(() => fleet.dispatcher.settle(early)).toThrow(stale);
    fleet.dispatcher.settle(late);
    expect(() => fleet.dispatcher.settle(late)).toThrow(stale);
    expect(() => fleet.dispatcher.explain(late)).toThrow(stale);
    expect(fleet.ledger.totalRequests()).toBe(1);
  });

  it("estimates the prompt's length where it is not known", () => {
    const fleet = createTestFleet({ policy: "random", workers: plainWorkers(1) });
    fleet.place(testGeneration(1, { tokenIds: undefined, text: "x".repeat(41), promptTokens: 0 }));
    expect(fleet.ledger.prefillTokens(0)).toBe(11);
    fleet.place(testGeneration(1, { tokenIds: new Int32Array(7), promptTokens: 0 }));
    expect(fleet.ledger.prefillTokens(0)).toBe(18);
  });

  it("records what engines reported also where the policy does not look at it", () => {
    const fleet = createTestFleet({ policy: "cache_aware", workers: plainWorkers(3) });
    const load = { runningRequests: 2, waitingRequests: 1, kvCacheUsage: 0.5, observedAtMs: 900 };
    const recorded = (): unknown => {
      const decision = fleet.ask(testGeneration(1, { loraName: "a" }));
      return fleet.dispatcher.explain(decision).input.candidates;
    };
    expect(recorded()).toMatchObject([
      {},
      { runningRequests: null, loadAgeMs: null, loraAffinity: null },
      {},
    ]);
    fleet.loads.report(1, { ...load, adapters: { running: ["a"], waiting: [], capacity: 2 } }, 1);
    expect(recorded()).toMatchObject([
      { runningRequests: null },
      {
        runningRequests: 2,
        waitingRequests: 1,
        kvCacheUsage: 0.5,
        foreignRequests: 2,
        loadAgeMs: 100,
        loraAffinity: 1,
      },
      { loadAgeMs: null },
    ]);
  });

  it("gathers the same fleet again after another one for which nobody was a candidate", () => {
    const few = testWorkers([{}, { weight: 3 }, { ranks: 2, cost: 2 }]);
    const many = plainWorkers(40).map((worker) => ({
      ...worker,
      id: `${worker.id}0`,
      slot: worker.slot + 10,
      models: ["other"],
    }));
    const fleet = createTestFleet({ policy: "weighted", workers: [...few, ...many] });
    const recorded = (): unknown => fleet.dispatcher.explain(fleet.ask(testGeneration(1))).input.candidates;
    const before = recorded();
    expect(before).toMatchObject([{}, { slot: 1, weight: 3 }, {}, { slot: 3, rank: 1, cost: 2 }]);
    const nobody = { model: "other", requiredFields: [], excludedWorkers: many.map(({ id }) => id) };
    expect(fleet.ask(testGeneration(2, nobody))).toEqual({ kind: "none", reason: "all_excluded" });
    expect(recorded()).toEqual(before);
  });

  it("gathers alike whether it copies the whole fleet or judges each worker", () => {
    const workers = testWorkers([{ ranks: 2, weight: 3 }, { cost: 2 }, { models: ["other"] }]);
    const figures = (generation: Generation): unknown => {
      const fleet = createTestFleet({ policy: "weighted", workers });
      fleet.ledger.acquire(1, { promptTokens: 30, prefillTokens: 20 });
      const load = { runningRequests: 2, waitingRequests: 1, kvCacheUsage: 0.5, observedAtMs: 900 };
      fleet.loads.report(1, load, 1);
      return fleet.dispatcher.explain(fleet.ask(generation)).input.candidates;
    };
    const judged = figures(testGeneration(1, { excludedWorkers: ["http://gone"] }));
    expect(figures(testGeneration(1))).toEqual(judged);
    expect(judged).toMatchObject([
      { worker: "http://w0", slot: 0, rank: 0, weight: 3, inFlightRequests: 0, loadAgeMs: null },
      { worker: "http://w0", slot: 1, rank: 1, inFlightRequests: 1, prefillTokens: 20, loadAgeMs: 100 },
      { worker: "http://w1", slot: 2, rank: 0, weight: 1, cost: 2, runningRequests: null },
    ]);
    expect(judged).toMatchObject([{}, { runningRequests: 2, waitingRequests: 1, foreignRequests: 2 }, {}]);
  });

  it("explains whom it passed over", () => {
    const workers = testWorkers([
      { models: ["other"] },
      { unsupportedFields: new Set(["seed"]) },
      { isHealthy: false },
      { maxInFlightPerRank: 1 },
      {},
      {},
    ]);
    const fleet = createTestFleet({ policy: "cache_aware", workers });
    fleet.ledger.acquire(3, { promptTokens: 1, prefillTokens: 1 });
    const generation = testGeneration(1, { requiredFields: ["seed"], excludedWorkers: ["http://w5"] });
    const record = fleet.dispatcher.explain(fleet.ask(generation));
    expect(record.exclusions).toEqual([
      { worker: "http://w0", verdict: "wrong_model" },
      { worker: "http://w1", verdict: "unsupported_field", field: "seed" },
      { worker: "http://w2", verdict: "unhealthy" },
      { worker: "http://w3", verdict: "full" },
      { worker: "http://w5", verdict: "excluded" },
    ]);
    expect(record).toMatchObject({
      requestId: "request-1",
      model: "m",
      input: {
        policy: "cache_aware",
        snapshotVersion: 1,
        promptTokens: 64,
        candidates: [{ worker: "http://w4" }],
      },
      decision: { kind: "place", legs: [{ worker: "http://w4" }] },
    });
    expect(JSON.stringify(record)).not.toContain("session-1");
  });
});

describe("createDispatcher() with breakers", () => {
  function setUp() {
    const clock = { nowMs: 0 };
    const released: string[] = [];
    const breakers = createBreakerBoard({
      parameters: { ...BREAKER_DEFAULTS, failureThreshold: 2, halfOpenMaxAttempts: 1 },
      clock: () => clock.nowMs,
    });
    const ledger = createLedger({ slotCapacity: 8 });
    const index = createPrefixIndex({ slotCapacity: 8, capacityBytes: 1 << 16 });
    const dispatcher = createDispatcher({
      policy: createPolicy("round_robin"),
      ledger,
      index,
      clock: () => clock.nowMs,
      random: () => 0,
      breakers,
      onRelease: () => released.push("released"),
    });
    const workers = testWorkers([{ ranks: 3 }]);
    const snapshot = createSnapshot({ version: 1, publishedAtMs: 0, workers });
    const decide = () => dispatcher.decide(dispatcher.gather(testGeneration(1), snapshot));
    const place = () => dispatcher.settle(decide() as PlaceDecision);
    return { clock, breakers, decide, place, released };
  }

  it("counts the failures of all ranks of a worker together, each attempt once", () => {
    const { breakers, decide, place } = setUp();
    const first = place();
    first.report("failure");
    first.report("failure");
    first.release();
    expect(breakers.state(0)).toBe("closed");
    place().report("failure");
    expect([breakers.state(0), breakers.state(1)]).toEqual(["open", "closed"]);
    expect(decide()).toEqual({ kind: "none", reason: "breaker_open" });
  });

  it("counts an outcome that became clear only after the release", () => {
    const { breakers, place } = setUp();
    const settlements = [place(), place()];
    settlements.forEach((settlement) => settlement.release());
    settlements.forEach((settlement) => settlement.reportLate("failure"));
    expect([breakers.state(0), breakers.state(1)]).toEqual(["open", "closed"]);
  });

  it("lets one attempt after the other try a worker that was open", () => {
    const { clock, decide, place, breakers } = setUp();
    [place(), place()].forEach((settlement) => settlement.report("failure"));
    clock.nowMs = 60_000;
    const trial = place();
    expect(decide().kind).toBe("none");
    trial.release();
    place().report("success");
    place().report("success");
    expect(breakers.state(0)).toBe("half-open");
    place().report("success");
    expect(breakers.state(0)).toBe("closed");
  });

  it("tells of each release once", () => {
    const { place, released } = setUp();
    const settlement = place();
    settlement.report("success");
    expect(released).toEqual([]);
    settlement.release();
    settlement.release();
    expect(released).toEqual(["released"]);
  });
});
