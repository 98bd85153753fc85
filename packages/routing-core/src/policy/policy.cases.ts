import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  countEach,
  createTestFleet,
  plainWorkers,
  testGeneration,
  testWorkers,
} from "../__fixtures__/test-fleet.ts";
import type { EngineLoad } from "../engine-load.ts";
import { type DecisionRecord, replayDecision } from "../decision/decision-record.ts";
import { createWorkerView } from "../snapshot.ts";

/** What a policy promises beyond what all promise. */
export interface PolicyExpectations {
  /** Most that 100 simultaneous different arrivals on four equal workers may differ between two workers. */
  readonly maxBurstDifference: number;
  /**
   * What makes a generation come back to its worker: its key by a hash (a new worker takes its share of the keys), its
   * session by a table or its prompt by the prefix index (a new worker takes none).
   */
  readonly keeps: "keys" | "sessions" | "prompts" | "nothing";
}

/** A report of an engine, observed at the fleet's first instant. */
const engineLoad = (runningRequests: number, waitingRequests: number): EngineLoad => ({
  runningRequests,
  waitingRequests,
  kvCacheUsage: Math.min(1, runningRequests / 10),
  observedAtMs: 1000,
});

/** The behaviour every policy owes its callers. */
export function runPolicyCases(policy: string, expectations: PolicyExpectations): void {
  const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

  describe(`policy ${policy}`, () => {
    it("finds nobody in an empty fleet", () => {
      const fleet = createTestFleet({ policy, workers: [] });
      expect(fleet.ask(testGeneration(1))).toEqual({ kind: "none", reason: "no_workers" });
    });

    it("takes the only worker", () => {
      const fleet = createTestFleet({ policy, workers: plainWorkers(1) });
      const { decision } = fleet.place(testGeneration(1));
      expect(decision).toMatchObject({ reason: "only_candidate", candidate: 0, runnerUp: -1, tied: 1 });
      expect(decision.legs).toMatchObject([{ role: "serve", worker: "http://w0", rank: 0, slot: 0 }]);
    });

    it("finds nobody when all are broken", () => {
      const workers = testWorkers([{ isHealthy: false }, { isDraining: true }, { breaker: "open" }]);
      const fleet = createTestFleet({ policy, workers });
      expect(fleet.ask(testGeneration(1))).toEqual({ kind: "none", reason: "breaker_open" });
    });

    it("gives each of equal workers a share", () => {
      const fleet = createTestFleet({ policy, workers: plainWorkers(4) });
      const counts = countEach(range(400).map((identity) => fleet.visit(testGeneration(identity))));
      expect([...counts.keys()].toSorted()).toEqual(["http://w0", "http://w1", "http://w2", "http://w3"]);
      expect(Math.min(...counts.values())).toBeGreaterThan(50);
    });

    it("names another candidate as runner-up", () => {
      const fleet = createTestFleet({ policy, workers: plainWorkers(3) });
      for (const identity of range(50)) {
        const { decision } = fleet.place(testGeneration(identity));
        expect([0, 1, 2]).toContain(decision.runnerUp);
        expect(decision.runnerUp).not.toBe(decision.candidate);
      }
    });

    it("never chooses an excluded, ill or incapable worker", () => {
      const fleet = createTestFleet({
        policy,
        workers: testWorkers([
          {},
          { unsupportedFields: new Set(["seed"]) },
          { isHealthy: false },
          {},
          { models: ["other"] },
          { breaker: "open" },
          {},
        ]),
      });
      for (const identity of range(200)) {
        const generation = testGeneration(identity, {
          requiredFields: ["n", "seed"],
          excludedWorkers: ["http://w0", "http://gone"],
        });
        expect(["http://w3", "http://w6"]).toContain(fleet.visit(generation));
      }
    });

    it("stops using a worker that leaves and begins to use one that comes", () => {
      const fleet = createTestFleet({ policy, workers: plainWorkers(3) });
      range(100).forEach((identity) => fleet.visit(testGeneration(identity)));
      fleet.publish(plainWorkers(4).filter((worker) => worker.id !== "http://w1"));
      const counts = countEach(range(300).map((identity) => fleet.visit(testGeneration(1000 + identity))));
      expect([...counts.keys()].toSorted()).toEqual(["http://w0", "http://w2", "http://w3"]);
      expect(counts.get("http://w3")).toBeGreaterThan(40);
    });

    it("spreads a failed worker's traffic over all others", () => {
      const fleet = createTestFleet({ policy, workers: plainWorkers(4) });
      const moved = range(600).filter((identity) => fleet.visit(testGeneration(identity)) === "http://w1");
      fleet.publish(testWorkers([{}, { isHealthy: false }, {}, {}]));
      const counts = countEach(moved.map((identity) => fleet.visit(testGeneration(identity))));
      expect([...counts.keys()].toSorted()).toEqual(["http://w0", "http://w2", "http://w3"]);
      expect(Math.min(...counts.values())).toBeGreaterThan(moved.length / 10);
    });

    it("spreads simultaneous arrivals", () => {
      const fleet = createTestFleet({ policy, workers: plainWorkers(4) });
      const placed = range(100).map((identity) => fleet.place(testGeneration(identity)));
      const counts = [0, 1, 2, 3].map((slot) => fleet.ledger.requests(slot));
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(expectations.maxBurstDifference);
      placed.forEach(({ settlement }) => expect(settlement.release()).toBe(true));
      expect(range(4).every((slot) => fleet.ledger.isIdle(slot))).toBe(true);
    });

    it("does not pile arrivals onto the worker whose engine reported the least", () => {
      const fleet = createTestFleet({ policy, workers: plainWorkers(4) });
      [0, 4, 4, 4].forEach((running, slot) => fleet.loads.report(slot, engineLoad(running, 0), 0));
      range(100).forEach((identity) => fleet.place(testGeneration(identity)));
      expect(fleet.ledger.requests(0)).toBeLessThan(50);
      expect(Math.min(...[1, 2, 3].map((slot) => fleet.ledger.requests(slot)))).toBeGreaterThan(8);
    });

    it("decides where engines report nothing, nonsense, or some do and some do not", () => {
      const fleet = createTestFleet({ policy, workers: plainWorkers(4) });
      fleet.loads.report(1, { ...engineLoad(3, 2), kvCacheUsage: NaN, observedAtMs: 5000 }, 9);
      fleet.loads.report(2, { ...engineLoad(1e9, 1e9), kvCacheUsage: 7, observedAtMs: -1e12 }, 0);
      for (const identity of range(40)) {
        const { decision } = fleet.place(testGeneration(identity, { promptTokens: 0, tokenIds: undefined }));
        expect([0, 1, 2, 3]).toContain(decision.candidate);
        expect(fleet.dispatcher.policy.name).toBe(policy);
      }
    });

    it("breaks ties by a draw, not by the order of the workers", () => {
      const first = range(60).map((seed) => {
        const fleet = createTestFleet({ policy, workers: plainWorkers(4), seed });
        return fleet.visit(testGeneration(seed));
      });
      const isInTurn = policy === "round_robin";
      expect(new Set(first).size).toBe(isInTurn ? 1 : 4);
    });

    it("says nothing is free when all are full, and takes the one that has a place again", () => {
      const workers = testWorkers([{ maxInFlightPerRank: 2 }, { maxInFlightPerRank: 2 }]);
      const fleet = createTestFleet({ policy, workers });
      const placed = range(4).map((identity) => fleet.place(testGeneration(identity)));
      expect(fleet.ask(testGeneration(9))).toEqual({ kind: "wait", reason: "full" });
      placed[2]!.settlement.release();
      expect(fleet.visit(testGeneration(9))).toBe(placed[2]!.decision.legs[0]!.worker);
    });

    it("moves only what it must when workers come and go", () => {
      if (expectations.keeps === "nothing") {
        return;
      }
      const identities = range(240);
      const fleet = createTestFleet({ policy, workers: plainWorkers(8) });
      const before = identities.map((identity) => fleet.visit(testGeneration(identity)));
      expect(identities.map((identity) => fleet.visit(testGeneration(identity)))).toEqual(before);

      const left = plainWorkers(8).filter((worker) => worker.id !== "http://w3");
      fleet.publish(left);
      const without = identities.map((identity) => fleet.visit(testGeneration(identity)));
      identities.forEach((identity) => {
        expect(without[identity] === before[identity]).toBe(before[identity] !== "http://w3");
      });

      const more = [...left, createWorkerView({ slot: 20, id: "http://new", models: ["m"] })];
      fleet.publish(more);
      const after = identities.map((identity) => fleet.visit(testGeneration(identity)));
      const moved = identities.filter((identity) => after[identity] !== without[identity]);
      expect(moved.every((identity) => after[identity] === "http://new")).toBe(true);
      const expected = expectations.keeps === "keys" ? identities.length / more.length : 0;
      expect(Math.abs(moved.length - expected)).toBeLessThanOrEqual(expected * 0.6);
    });

    it("uses every DP rank as a target of its own", () => {
      const fleet = createTestFleet({ policy, workers: testWorkers([{ ranks: 4 }, { ranks: 4 }]) });
      const legs = range(400).map((identity) => fleet.place(testGeneration(identity)).decision.legs[0]!);
      expect(new Set(legs.map((leg) => leg.slot)).size).toBe(8);
      for (const leg of legs) {
        expect(leg.slot).toBe((leg.worker === "http://w0" ? 0 : 4) + leg.rank);
      }
    });

    it("keeps to the rank that the client insists on", () => {
      const fleet = createTestFleet({ policy, workers: testWorkers([{ ranks: 4 }, { ranks: 2 }]) });
      for (const identity of range(20)) {
        const { decision } = fleet.place(testGeneration(identity, { rank: 3 }));
        expect(decision.legs[0]).toMatchObject({ worker: "http://w0", rank: 3, slot: 3 });
      }
      expect(fleet.ask(testGeneration(1, { rank: 4 }))).toEqual({ kind: "none", reason: "rank_not_found" });
    });

    it("decides alike with the same seed", () => {
      const run = (): string[] => {
        const fleet = createTestFleet({ policy, workers: plainWorkers(5), seed: 42 });
        return range(100).map(
          (identity) => fleet.place(testGeneration(identity % 30)).decision.legs[0]!.worker,
        );
      };
      expect(run()).toEqual(run());
    });

    it("decides a recorded input again alike", () => {
      const workers = testWorkers([{ ranks: 2 }, { weight: 2 }, { isHealthy: false }, { cost: 3 }]);
      const fleet = createTestFleet({ policy, workers, seed: 7 });
      const adapters = { running: ["adapter"], waiting: [], capacity: 2 };
      fleet.loads.report(0, { ...engineLoad(3, 1), adapters }, 0);
      for (const identity of range(100)) {
        const snapshot = fleet.publish(identity % 10 === 9 ? [] : workers);
        const input = fleet.dispatcher.gather(
          testGeneration(identity % 40, identity % 5 === 0 ? { loraName: "adapter" } : {}),
          snapshot,
        );
        const decision = fleet.dispatcher.decide(input);
        const record = JSON.parse(JSON.stringify(fleet.dispatcher.explain(decision))) as DecisionRecord;
        expect(replayDecision(record)).toEqual(record.decision);
        if (decision.kind === "place") {
          const settlement = fleet.dispatcher.settle(decision);
          if (identity % 3 === 0) settlement.release();
        }
      }
    });

    it("places exactly when somebody is eligible, and on somebody eligible", () => {
      const worker = fc.record({
        isHealthy: fc.boolean(),
        isDraining: fc.boolean(),
        breaker: fc.constantFrom("closed", "open", "half-open"),
        ranks: fc.integer({ min: 1, max: 3 }),
        isExcluded: fc.boolean(),
        isCapable: fc.boolean(),
      });
      fc.assert(
        fc.property(fc.array(worker, { maxLength: 6 }), fc.integer(), (descriptions, seed) => {
          const workers = testWorkers(
            descriptions.map(({ isHealthy, isDraining, breaker, ranks, isCapable }) => ({
              isHealthy,
              isDraining,
              breaker,
              ranks,
              unsupportedFields: new Set(isCapable ? [] : ["seed"]),
            })),
          );
          const eligible: (string | undefined)[] = [];
          const excludedWorkers: string[] = [];
          for (const [index, view] of workers.entries()) {
            const { isExcluded, isCapable } = descriptions[index]!;
            if (isExcluded) {
              excludedWorkers.push(view.id);
            } else if (view.isHealthy && !view.isDraining && view.breaker !== "open" && isCapable) {
              eligible.push(view.id);
            }
          }
          const fleet = createTestFleet({ policy, workers, seed });
          for (const identity of range(5)) {
            const decision = fleet.ask(
              testGeneration(identity, { excludedWorkers, requiredFields: ["seed"] }),
            );
            const chosen = decision.kind === "place" ? decision.legs[0]?.worker : undefined;
            expect(eligible.length > 0 ? eligible : [undefined]).toContain(chosen);
          }
        }),
        { numRuns: 60, seed: 11 },
      );
    });
  });
}
