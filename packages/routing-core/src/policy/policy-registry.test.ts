import { describe, expect, it } from "vitest";
import { runPolicyCases, type PolicyExpectations } from "./policy.cases.ts";
import { createPolicy, DEFAULT_POLICY, POLICIES, POLICY_NAMES, type PolicyName } from "./policy-registry.ts";

// Where nobody looks at the load, 100 draws on four workers differ by chance: the standard deviation is about 4.3 each.
const EXPECTATIONS: Record<PolicyName, PolicyExpectations> = {
  cache_aware: { maxBurstDifference: 1, keeps: "prompts" },
  power_of_two: { maxBurstDifference: 4, keeps: "nothing" },
  consistent_hash: { maxBurstDifference: 30, keeps: "keys" },
  rendezvous_hash: { maxBurstDifference: 30, keeps: "keys" },
  random: { maxBurstDifference: 25, keeps: "nothing" },
  round_robin: { maxBurstDifference: 0, keeps: "nothing" },
  least_load: { maxBurstDifference: 1, keeps: "nothing" },
  sticky: { maxBurstDifference: 1, keeps: "sessions" },
  weighted: { maxBurstDifference: 1, keeps: "prompts" },
};

for (const name of POLICY_NAMES) {
  runPolicyCases(name, EXPECTATIONS[name]);
}

describe("createPolicy()", () => {
  it("knows every policy by its name", () => {
    expect(POLICY_NAMES).toEqual([
      "cache_aware",
      "power_of_two",
      "consistent_hash",
      "rendezvous_hash",
      "random",
      "round_robin",
      "least_load",
      "sticky",
      "weighted",
    ]);
    expect(POLICY_NAMES[0]).toBe(DEFAULT_POLICY);
    for (const name of POLICY_NAMES) {
      expect(POLICIES[name].name).toBe(name);
      expect(createPolicy(name).name).toBe(name);
    }
  });

  it("has the Rust router's defaults", () => {
    expect(createPolicy("cache_aware").parameters).toMatchObject({
      cacheThreshold: 0.3,
      balanceAbsThreshold: 64,
      balanceRelThreshold: 1.5,
      evictionIntervalSecs: 120,
      maxTreeSize: 67_108_864,
    });
    expect(createPolicy("consistent_hash").parameters).toEqual({ virtualNodes: 160 });
  });

  it("refuses names and values it does not know", () => {
    expect(() => createPolicy("fastest")).toThrow(expect.objectContaining({ code: "unknown_policy" }));
    expect(() => createPolicy("toString")).toThrow(expect.objectContaining({ code: "unknown_policy" }));
    expect(() => createPolicy("random", { speed: 1 })).toThrow("policy random has no parameter speed");
    expect(() => createPolicy("cache_aware", { cacheThreshold: 1.5 })).toThrow(
      "policy cache_aware: cacheThreshold must be a number from 0 to 1, got 1.5",
    );
    expect(() => createPolicy("cache_aware", { balanceAbsThreshold: 0.5 })).toThrow("must be an integer");
    expect(() => createPolicy("cache_aware", { cacheThreshold: Number.NaN })).toThrow("must be a number");
  });
});
