import { describe, expect, it } from "vitest";
import { runPolicyCases, type PolicyExpectations } from "./policy.cases.ts";
import { createPolicy, DEFAULT_POLICY, POLICIES, POLICY_NAMES, type PolicyName } from "./policy-registry.ts";

// Where nobody looks at the load, 100 draws on four workers differ by chance: the standard deviation is about 4.3 each.
const EXPECTATIONS: Record<PolicyName, PolicyExpectations> = {
  cache_aware: { maxBurstDifference: 1 },
  power_of_two: { maxBurstDifference: 4 },
  consistent_hash: { maxBurstDifference: 30 },
  random: { maxBurstDifference: 25 },
  round_robin: { maxBurstDifference: 0 },
};

for (const name of POLICY_NAMES) {
  runPolicyCases(name, EXPECTATIONS[name]);
}

describe("createPolicy()", () => {
  it("knows every policy by its name", () => {
    expect(POLICY_NAMES).toEqual(["cache_aware", "power_of_two", "consistent_hash", "random", "round_robin"]);
    expect(POLICY_NAMES[0]).toBe(DEFAULT_POLICY);
    for (const name of POLICY_NAMES) {
      expect(POLICIES[name].name).toBe(name);
      expect(createPolicy(name).name).toBe(name);
    }
  });

  it("has the Rust router's defaults", () => {
    expect(createPolicy("cache_aware").parameters).toEqual({
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
