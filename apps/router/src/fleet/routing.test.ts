import {
  createSnapshot,
  createWorkerView,
  POLICY_NAMES,
  type Generation,
  type Snapshot,
} from "@vllm-router/routing-core";
import { describe, expect, it } from "vitest";
import { createRouting, type Routing } from "./routing.ts";

const SNAPSHOT: Snapshot = createSnapshot({
  version: 1,
  publishedAtMs: 0,
  workers: [createWorkerView({ slot: 0, id: "a" }), createWorkerView({ slot: 1, id: "b" })],
});

function routingFor(policy: string, parameters: Readonly<Record<string, number>> = {}): Routing {
  return createRouting({ policy, parameters, breaker: {}, now: () => 0, random: () => 0.5, slotCapacity: 8 });
}

function place(routing: Routing, tokenIds: Int32Array): string | undefined {
  const generation: Generation = {
    requestId: "r",
    model: "",
    tokenIds,
    promptTokens: tokenIds.length,
    maxTokens: 1,
    requiredFields: [],
    excludedWorkers: [],
  };
  const dispatcher = routing.dispatchers.token;
  const decision = dispatcher.decide(dispatcher.gather(generation, SNAPSHOT));
  if (decision.kind !== "place") {
    return undefined;
  }
  dispatcher.settle(decision).release();
  return decision.legs[0]?.worker;
}

const promptOf = (seed: number, length: number): Int32Array =>
  Int32Array.from({ length }, (_, at) => seed * 100_000 + at);

describe("createRouting()", () => {
  it.each(POLICY_NAMES)("decides with the policy %s on both lanes", (policy) => {
    const routing = routingFor(policy);
    expect(["a", "b"]).toContain(place(routing, promptOf(1, 64)));
    expect(routing.dispatchers.token.policy.name).toBe(policy);
    expect(routing.dispatchers.proxy.policy.name).toBe(policy);
    expect(routing.ledger.totalRequests()).toBe(0);
  });

  it("refuses an unknown policy and parameters out of range", () => {
    expect(() => routingFor("best")).toThrow("unknown policy best");
    expect(() => routingFor("cache_aware", { cacheThreshold: 2 })).toThrow(
      "cacheThreshold must be a number from 0 to 1",
    );
  });

  it("remembers what it placed where, and forgets it when the slot goes to another worker", () => {
    const routing = routingFor("cache_aware");
    const first = place(routing, promptOf(1, 256));
    const other = place(routing, promptOf(2, 256));
    expect(other).not.toBe(first);
    expect(place(routing, promptOf(1, 256))).toBe(first);

    const slot = routing.slots.reserve(1);
    expect(routing.index.stats().holdings).toBe(32);
    routing.slots.release(slot);
    routing.slots.reserve(1);
    expect(routing.index.stats().holdings).toBe(16);
  });

  it("bounds what is remembered of a worker to --max-tree-size tokens, also after its slot was cleared", () => {
    const routing = routingFor("cache_aware", { maxTreeSize: 320 });
    routing.index.clear(0);
    routing.index.clear(1);
    for (let seed = 0; seed < 40; seed += 1) {
      place(routing, promptOf(seed, 64));
    }
    expect(routing.index.stats().holdings).toBeLessThanOrEqual(2 * 20 * 1.25);
  });

  it("does not spend memory on an index that no policy looks at", () => {
    expect(routingFor("random").index.sizeBytes).toBeLessThan(64 * 1024);
    expect(routingFor("cache_aware").index.sizeBytes).toBeGreaterThan(32 * 1024 * 1024);
  });

  it("has no breakers when they are off", () => {
    const routing = createRouting({ policy: "random", breaker: undefined, now: () => 0, random: () => 0 });
    expect(routing.breakers).toBeUndefined();
    expect(routing.slots.capacity).toBe(1_024);
  });
});
