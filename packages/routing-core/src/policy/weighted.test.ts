import { describe, expect, it } from "vitest";
import { createTestFleet, plainWorkers, testGeneration } from "../__fixtures__/test-fleet.ts";
import { createPolicy } from "./policy-registry.ts";

const NOTHING = {
  prefix: 0,
  queue: 0,
  running: 0,
  kvUsage: 0,
  inFlightTokens: 0,
  lora: 0,
  affinity: 0,
  noHitLru: 0,
};
const setUp = (weights: Partial<Record<keyof typeof NOTHING, number>>, workers = 3) =>
  createTestFleet({
    policy: "weighted",
    workers: plainWorkers(workers),
    parameters: { ...NOTHING, ...weights },
  });
const report = {
  runningRequests: 0,
  waitingRequests: 0,
  kvCacheUsage: 0,
  observedAtMs: 1000,
};

describe("weighted", () => {
  it("asks for prefixes and engine figures only when a scorer that counts needs them", () => {
    const wants = (weights: Partial<typeof NOTHING>): boolean[] => {
      const policy = createPolicy("weighted", { ...NOTHING, ...weights });
      return [policy.usesPrefix, policy.usesEngineLoad === true];
    };
    expect(wants({})).toEqual([false, false]);
    expect(wants({ prefix: 1 })).toEqual([true, false]);
    expect(wants({ kvUsage: 1, inFlightTokens: 1 })).toEqual([false, true]);
  });

  it("prefix: takes the longest, and prefers nobody when weights are all zero", () => {
    const fleet = setUp({ prefix: 1 });
    const holder = fleet.visit(testGeneration(7));
    expect(fleet.ask(testGeneration(7))).toMatchObject({
      tied: 1,
      reason: "score",
      legs: [{ worker: holder }],
    });
    expect(setUp({}).ask(testGeneration(7))).toMatchObject({ tied: 3 });
  });

  it("queue, running, kvUsage: each takes the engine that reported least", () => {
    for (const [weight, figure] of [
      ["queue", "waitingRequests"],
      ["running", "runningRequests"],
      ["kvUsage", "kvCacheUsage"],
    ] as const) {
      const fleet = setUp({ [weight]: 1 });
      [0.5, 0.1, 0.9].forEach((value, slot) => fleet.loads.report(slot, { ...report, [figure]: value }, 0));
      expect(fleet.ask(testGeneration(1))).toMatchObject({ candidate: 1, runnerUp: 0 });
    }
  });

  it("rates an engine that reports nothing as the mean of the others, and old figures near it", () => {
    const fleet = setUp({ kvUsage: 1 });
    fleet.loads.report(0, { ...report, kvCacheUsage: 0.2 }, 0);
    fleet.loads.report(2, { ...report, kvCacheUsage: 0.6 }, 0);
    const scores = (): readonly number[] => {
      const decision = fleet.ask(testGeneration(1));
      const record = fleet.dispatcher.explain(decision);
      return record.scoreParts[0]!.raw.map((raw) => Math.round(raw * 100) / 100);
    };
    expect(scores()).toEqual([0.8, 0.6, 0.4]);
    fleet.nowMs += 5000;
    expect(scores()).toEqual([0.7, 0.6, 0.5]);
  });

  it("inFlightTokens: counts prompts and outputs, with the prompt itself as the unit", () => {
    const fleet = setUp({ inFlightTokens: 1 });
    const short = fleet.place(testGeneration(1, { promptTokens: 20 }));
    const long = fleet.place(testGeneration(2, { promptTokens: 2000 }));
    const third = fleet.place(testGeneration(3, { promptTokens: 200 }));
    const slots = [short, long, third].map(({ decision }) => decision.legs[0]!.slot);
    expect(new Set(slots).size).toBe(3);
    expect(fleet.ask(testGeneration(4)).kind === "place" && fleet.ask(testGeneration(4))).toMatchObject({
      legs: [{ slot: slots[0] }],
    });
  });

  it("lora: goes by the engine's word, else by where the adapter ran", () => {
    const fleet = setUp({ lora: 1 });
    const ask = testGeneration(1, { loraName: "sql" });
    const first = fleet.visit(ask);
    expect(fleet.visit(ask)).toBe(first);
    const other = [0, 1, 2].find((slot) => `http://w${slot}` !== first)!;
    const adapters = (running: string[], waiting: string[]) => ({ running, waiting, capacity: 1 });
    [0, 1, 2].forEach((slot) => fleet.loads.report(slot, { ...report, adapters: adapters(["x"], []) }, 0));
    fleet.loads.report(other, { ...report, adapters: adapters([], ["sql"]) }, 0);
    expect(fleet.ask(ask)).toMatchObject({ candidate: other });
    expect(fleet.ask(testGeneration(1))).toMatchObject({ tied: 3 });
  });

  it("affinity: comes back to the session's worker", () => {
    const fleet = setUp({ affinity: 1 });
    const first = fleet.visit(testGeneration(1));
    expect(Array.from({ length: 5 }, () => fleet.visit(testGeneration(1)))).toEqual(Array(5).fill(first));
  });

  it("noHitLru: sends cold prompts round, and does not touch warm ones", () => {
    const fleet = setUp({ noHitLru: 1 });
    const visited = [1, 2, 3, 4, 5, 6].map((identity) => fleet.visit(testGeneration(identity)));
    expect(new Set(visited.slice(0, 3)).size).toBe(3);
    expect(visited.slice(3)).toEqual(visited.slice(0, 3));
    expect(fleet.ask(testGeneration(1))).toMatchObject({ tied: 3 });
  });

  it("records every score raw and weighted, and they add up", () => {
    const fleet = createTestFleet({ policy: "weighted", workers: plainWorkers(3) });
    fleet.place(testGeneration(1));
    fleet.loads.report(0, { ...report, waitingRequests: 3, kvCacheUsage: 0.5 }, 0);
    const decision = fleet.ask(testGeneration(1));
    const record = fleet.dispatcher.explain(decision);
    expect(record.scoreParts.map(({ name, weight }) => [name, weight])).toEqual([
      ["prefix", 3],
      ["queue", 1],
      ["kvUsage", 1],
      ["inFlightTokens", 2],
      ["lora", 1],
      ["noHitLru", 1],
    ]);
    const scores = decision.kind === "place" ? [...decision.scores.subarray(0, 3)] : [];
    scores.forEach((score, candidate) => {
      const sum = record.scoreParts.reduce((total, part) => total + part.weighted[candidate]!, 0);
      expect(sum).toBeCloseTo(score, 12);
    });
  });
});
