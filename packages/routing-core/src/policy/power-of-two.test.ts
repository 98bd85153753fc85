import { describe, expect, it } from "vitest";
import { createTestFleet, plainWorkers, testGeneration } from "../__fixtures__/test-fleet.ts";

const setUp = (workers: number) =>
  createTestFleet({ policy: "power_of_two", workers: plainWorkers(workers) });

describe("power_of_two", () => {
  it("always takes the less loaded of two", () => {
    const fleet = setUp(2);
    fleet.ledger.acquire(0, { promptTokens: 0, prefillTokens: 0 });
    for (let identity = 0; identity < 20; identity += 1) {
      expect(fleet.ask(testGeneration(identity))).toMatchObject({
        candidate: 1,
        runnerUp: 0,
        reason: "least_loaded",
      });
    }
  });

  it("looks at pending prefill where the number of requests is equal", () => {
    const fleet = setUp(2);
    fleet.ledger.acquire(0, { promptTokens: 10, prefillTokens: 10 });
    fleet.ledger.acquire(1, { promptTokens: 10, prefillTokens: 9 });
    for (let identity = 0; identity < 20; identity += 1) {
      expect(fleet.ask(testGeneration(identity))).toMatchObject({ candidate: 1, tied: 1 });
    }
  });

  it("never takes the most loaded of many", () => {
    const fleet = setUp(5);
    fleet.ledger.acquire(3, { promptTokens: 0, prefillTokens: 0 });
    const chosen = Array.from({ length: 200 }, (_, identity) => fleet.visit(testGeneration(identity)));
    expect(new Set(chosen)).toEqual(new Set(["http://w0", "http://w1", "http://w2", "http://w4"]));
  });
});
