import { describe, expect, it } from "vitest";
import { createTestFleet, plainWorkers, testGeneration, testWorkers } from "../__fixtures__/test-fleet.ts";

const idle = { runningRequests: 0, waitingRequests: 0, kvCacheUsage: 0, observedAtMs: 1000 };
const setUp = (workers = 2) => createTestFleet({ policy: "least_load", workers: plainWorkers(workers) });

describe("least_load", () => {
  it("counts prompts still to be computed as requests", () => {
    const fleet = setUp();
    fleet.ledger.acquire(0, { promptTokens: 4096, prefillTokens: 4096 });
    fleet.ledger.acquire(1, { promptTokens: 10, prefillTokens: 10 });
    fleet.ledger.acquire(1, { promptTokens: 10, prefillTokens: 10 });
    expect(fleet.ask(testGeneration(1))).toMatchObject({ candidate: 1, runnerUp: 0 });
  });

  it("sees what other routers gave to an engine, beside its own", () => {
    const fleet = setUp();
    fleet.loads.report(0, { ...idle, runningRequests: 5, waitingRequests: 1 }, 0);
    fleet.loads.report(1, idle, 0);
    for (let placed = 0; placed < 5; placed += 1) {
      expect(fleet.place(testGeneration(placed)).decision.candidate).toBe(1);
    }
    // Our own five are on both sides of the comparison now; the report is not counted twice.
    fleet.loads.report(1, { ...idle, runningRequests: 5 }, 5);
    expect(fleet.place(testGeneration(9)).decision.candidate).toBe(1);
  });

  it("trusts a report the less the older it is", () => {
    const fleet = setUp();
    fleet.loads.report(0, { ...idle, runningRequests: 3 }, 0);
    fleet.ledger.acquire(1, { promptTokens: 0, prefillTokens: 0 });
    expect(fleet.ask(testGeneration(1))).toMatchObject({ candidate: 1 });
    fleet.nowMs += 60_000;
    expect(fleet.ask(testGeneration(1))).toMatchObject({ candidate: 0 });
  });

  it("avoids a KV cache that is nearly full", () => {
    const fleet = setUp();
    fleet.loads.report(0, { ...idle, kvCacheUsage: 0.98 }, 0);
    fleet.ledger.acquire(1, { promptTokens: 0, prefillTokens: 0 });
    expect(fleet.ask(testGeneration(1))).toMatchObject({ candidate: 1 });
  });

  it("gives a worker of twice the weight twice the requests", () => {
    const fleet = createTestFleet({ policy: "least_load", workers: testWorkers([{ weight: 2 }, {}]) });
    Array.from({ length: 90 }, (_, identity) => fleet.place(testGeneration(identity)));
    expect(Math.abs(fleet.ledger.requests(0) - 60)).toBeLessThanOrEqual(1);
  });
});
