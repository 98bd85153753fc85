import { RoutingError } from "../routing-error.ts";
import { cacheAware } from "./cache-aware.ts";
import { consistentHash } from "./consistent-hash.ts";
import type { Policy } from "./policy.ts";
import { type PolicyDefinition, resolveParameters, type SharedPolicyState } from "./policy-definition.ts";
import { leastLoad } from "./least-load.ts";
import { powerOfTwo } from "./power-of-two.ts";
import { random } from "./random.ts";
import { rendezvousHash } from "./rendezvous-hash.ts";
import { roundRobin } from "./round-robin.ts";
import { sticky } from "./sticky.ts";
import { weighted } from "./weighted.ts";

/** Every built-in policy by its name. */
export const POLICIES = {
  cache_aware: cacheAware,
  power_of_two: powerOfTwo,
  consistent_hash: consistentHash,
  rendezvous_hash: rendezvousHash,
  random,
  round_robin: roundRobin,
  least_load: leastLoad,
  sticky,
  weighted,
} as const satisfies Readonly<Record<string, PolicyDefinition>>;

/** Name of a built-in policy. */
export type PolicyName = keyof typeof POLICIES;

/** The built-in policies' names, the default first. */
export const POLICY_NAMES = Object.keys(POLICIES) as readonly PolicyName[];

/** The policy used where nothing else is asked for. */
export const DEFAULT_POLICY: PolicyName = "cache_aware";

/** True for the name of a built-in policy. */
export function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(POLICIES, name);
}

/**
 * Creates a policy with its own state; one per request thread. Missing parameters take their defaults. Throws
 * `RoutingError("unknown_policy")`, or `RoutingError("invalid_parameter")` naming the parameter.
 * @param shared what it shares with its like in other threads
 */
export function createPolicy(
  name: string,
  parameters: Readonly<Partial<Record<string, number>>> = {},
  shared?: SharedPolicyState,
): Policy {
  const definition = definitionOf(name);
  return definition.create(resolveParameters(definition, parameters), shared);
}

/** Bytes of the memory that policies of several threads share; 0 for none. Throws as {@link createPolicy}. */
export function policySharedBytes(
  name: string,
  parameters: Readonly<Partial<Record<string, number>>>,
  slotCapacity: number,
): number {
  const definition = definitionOf(name);
  return definition.sharedBytes?.(resolveParameters(definition, parameters), slotCapacity) ?? 0;
}

function definitionOf(name: string): PolicyDefinition {
  if (!isPolicyName(name)) {
    throw new RoutingError("unknown_policy", `unknown policy ${name}; there are ${POLICY_NAMES.join(", ")}`);
  }
  return POLICIES[name];
}
