import { describe, expect, it } from "vitest";
import {
  countEach,
  createTestFleet,
  plainWorkers,
  testGeneration,
  testWorkers,
} from "../__fixtures__/test-fleet.ts";

describe("rendezvous_hash", () => {
  it("spreads keys evenly and agrees with any other router", () => {
    const visit = (workers = plainWorkers(8)): string[] => {
      const fleet = createTestFleet({ policy: "rendezvous_hash", workers, seed: workers.length });
      return Array.from({ length: 2000 }, (_, identity) => fleet.visit(testGeneration(identity)));
    };
    const visited = visit();
    const counts = [...countEach(visited).values()];
    expect(Math.min(...counts)).toBeGreaterThan(200);
    expect(Math.max(...counts)).toBeLessThan(300);
    expect(visit(plainWorkers(8).toReversed())).toEqual(visited);
  });

  it("falls back to the next in the key's own order, and says so", () => {
    const fleet = createTestFleet({ policy: "rendezvous_hash", workers: plainWorkers(4) });
    const before = fleet.ask(testGeneration(5));
    const order = before.kind === "place" ? [before.candidate, before.runnerUp] : [];
    expect(before).toMatchObject({ reason: "affinity" });
    fleet.publish(testWorkers([0, 1, 2, 3].map((index) => ({ isHealthy: index !== order[0] }))));
    expect(fleet.ask(testGeneration(5))).toMatchObject({
      reason: "affinity_fallback",
      legs: [{ worker: `http://w${order[1]}` }],
    });
  });

  it("takes no worker of another model for the owner", () => {
    const fleet = createTestFleet({
      policy: "rendezvous_hash",
      workers: testWorkers([{}, {}, ...Array.from({ length: 6 }, () => ({ models: ["other"] }))]),
    });
    for (let identity = 0; identity < 20; identity += 1) {
      expect(fleet.ask(testGeneration(identity))).toMatchObject({ reason: "affinity" });
    }
  });
});
