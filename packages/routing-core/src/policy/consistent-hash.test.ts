import { describe, expect, it } from "vitest";
import { createTestFleet, plainWorkers, testGeneration, testWorkers } from "../__fixtures__/test-fleet.ts";

const policy = "consistent_hash";
const identities = Array.from({ length: 2000 }, (_, index) => index);

describe("consistent_hash", () => {
  it("keeps a key on its worker whatever the prompt and the load", () => {
    const fleet = createTestFleet({ policy, workers: plainWorkers(8) });
    const places = identities.slice(0, 50).map((identity) => {
      return fleet.place(testGeneration(identity, { routingKey: "session:1" })).decision;
    });
    expect(new Set(places.map(({ legs }) => legs[0]!.worker)).size).toBe(1);
    expect(places[0]!.reason).toBe("affinity");
  });

  it("moves to a new worker only the keys that it takes over", () => {
    const fleet = createTestFleet({ policy, workers: plainWorkers(8) });
    const before = identities.map((identity) => fleet.visit(testGeneration(identity)));
    fleet.publish(plainWorkers(9));
    const after = identities.map((identity) => fleet.visit(testGeneration(identity)));
    const moved = identities.filter((identity) => before[identity] !== after[identity]);
    expect(moved.every((identity) => after[identity] === "http://w8")).toBe(true);
    expect(moved.length).toBeGreaterThan(2000 / 9 / 1.5);
    expect(moved.length).toBeLessThan((2000 / 9) * 1.5);
  });

  it("moves only the keys of a worker that leaves, falls ill or is excluded, each time to the same places", () => {
    const fleet = createTestFleet({ policy, workers: plainWorkers(8) });
    const run = (fields = {}) => identities.map((identity) => fleet.visit(testGeneration(identity, fields)));
    const before = run();
    const excluded = run({ excludedWorkers: ["http://w3"] });
    fleet.publish(testWorkers([{}, {}, {}, { isHealthy: false }, {}, {}, {}, {}]));
    const ill = run();
    fleet.publish(plainWorkers(8).filter(({ id }) => id !== "http://w3"));
    const gone = run();
    for (const identity of identities) {
      const isMoved = before[identity] === "http://w3";
      expect(excluded[identity] !== before[identity]).toBe(isMoved);
    }
    expect(ill).toEqual(excluded);
    expect(gone).toEqual(excluded);
    fleet.publish(plainWorkers(8));
    expect(run()).toEqual(before);
  });

  it("says when a key's owner is not available", () => {
    const fleet = createTestFleet({ policy, workers: plainWorkers(4) });
    const owner = fleet.visit(testGeneration(1));
    expect(fleet.ask(testGeneration(1, { excludedWorkers: [owner] }))).toMatchObject({
      reason: "affinity_fallback",
    });
  });

  it("depends neither on the order of the snapshot nor on the slots", () => {
    const fleet = createTestFleet({ policy, workers: plainWorkers(8) });
    const before = identities.map((identity) => fleet.visit(testGeneration(identity)));
    const shuffled = plainWorkers(8)
      .toReversed()
      .map((worker, index) => ({ ...worker, slot: 20 + index }));
    fleet.publish(shuffled);
    expect(identities.map((identity) => fleet.visit(testGeneration(identity)))).toEqual(before);
  });

  it("spreads keys evenly over the workers", () => {
    const fleet = createTestFleet({ policy, workers: plainWorkers(8) });
    const counts = new Map<string, number>();
    for (const identity of identities) {
      const worker = fleet.visit(testGeneration(identity));
      counts.set(worker, (counts.get(worker) ?? 0) + 1);
    }
    expect(Math.max(...counts.values())).toBeLessThan(250 * 1.35);
    expect(Math.min(...counts.values())).toBeGreaterThan(250 * 0.65);
  });

  it("names as runner-up who would come next on the ring", () => {
    const fleet = createTestFleet({ policy, workers: plainWorkers(6) });
    for (const identity of identities.slice(0, 100)) {
      const { decision } = fleet.place(testGeneration(identity));
      const next = fleet.visit(testGeneration(identity, { excludedWorkers: [decision.legs[0]!.worker] }));
      expect(next).toBe(`http://w${decision.runnerUp}`);
    }
  });

  it("takes the whole prompt for the key where there is none", () => {
    const fleet = createTestFleet({ policy, workers: plainWorkers(8) });
    const visit = (identity: number) => fleet.visit(testGeneration(identity, { routingKey: undefined }));
    expect(visit(1)).toBe(visit(1));
    expect(new Set(identities.slice(0, 100).map(visit)).size).toBe(8);
    const text = (value: string) => testGeneration(1, { routingKey: "", tokenIds: undefined, text: value });
    expect(fleet.visit(text("a"))).toBe(fleet.visit(text("a")));
  });
});
