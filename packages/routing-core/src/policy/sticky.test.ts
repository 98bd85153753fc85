import { describe, expect, it } from "vitest";
import { createTestFleet, plainWorkers, testGeneration } from "../__fixtures__/test-fleet.ts";

const setUp = (parameters: Record<string, number> = {}) =>
  createTestFleet({ policy: "sticky", workers: plainWorkers(3), parameters });
const session = (name: string) => testGeneration(0, { routingKey: `session:${name}` });

describe("sticky", () => {
  it("keeps a session on its worker although others are idle", () => {
    const fleet = setUp();
    const first = fleet.place(session("a")).decision.legs[0]!.worker;
    const again = Array.from({ length: 5 }, () => fleet.place(session("a")).decision);
    expect(again.map(({ legs, reason }) => [legs[0]!.worker, reason])).toEqual(
      Array.from({ length: 5 }, () => [first, "affinity"]),
    );
  });

  it("spreads new sessions by load, then by the number of sessions", () => {
    const fleet = setUp();
    const visited = ["a", "b", "c", "d", "e", "f"].map((name) => fleet.visit(session(name)));
    expect(new Set(visited.slice(0, 3)).size).toBe(3);
    expect(new Set(visited.slice(3)).size).toBe(3);
  });

  it("remembers nothing of generations without a key", () => {
    const fleet = setUp();
    const keyless = testGeneration(1, { routingKey: undefined });
    const visited = Array.from({ length: 30 }, () => fleet.visit(keyless));
    expect(new Set(visited).size).toBe(3);
  });

  it("gives the session of a failed worker to another one for good, and says so", () => {
    const fleet = setUp();
    const first = fleet.visit(session("a"));
    fleet.publish(plainWorkers(3).map((worker) => ({ ...worker, isHealthy: worker.id !== first })));
    const { decision, settlement } = fleet.place(session("a"));
    settlement.release();
    expect(decision.reason).toBe("affinity_fallback");
    fleet.publish(plainWorkers(3));
    expect(fleet.visit(session("a"))).toBe(decision.legs[0]!.worker);
  });

  it("does not take a new worker in the slot of an old one for the old one", () => {
    const fleet = setUp();
    const first = fleet.place(session("a"));
    first.settlement.release();
    const { slot } = first.decision.legs[0]!;
    fleet.publish(
      plainWorkers(3).map((worker) => (worker.slot === slot ? { ...worker, id: "http://other" } : worker)),
    );
    expect(fleet.ask(session("a"))).toMatchObject({ reason: "affinity_fallback" });
  });

  it("forgets a session that was not used for its time to live", () => {
    const fleet = setUp({ sessionTtlSecs: 10 });
    fleet.visit(session("a"));
    fleet.nowMs += 10_000;
    expect(fleet.ask(session("a"))).toMatchObject({ reason: "affinity" });
    fleet.nowMs += 1;
    expect(fleet.ask(session("a"))).toMatchObject({ reason: "least_loaded" });
  });

  it("forgets the least recently used session beyond its bound", () => {
    const fleet = setUp({ maxSessions: 2 });
    ["a", "b", "a", "c"].forEach((name) => fleet.visit(session(name)));
    expect(["a", "b", "c"].map((name) => fleet.ask(session(name)))).toMatchObject([
      { reason: "affinity" },
      { reason: "least_loaded" },
      { reason: "affinity" },
    ]);
  });
});
