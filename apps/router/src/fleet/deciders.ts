import {
  createBlockHasher,
  createDispatcher,
  createPolicy,
  createShadowPolicies,
  DEFAULT_BLOCK_TOKENS,
  type BlockHasher,
  type Dispatcher,
  type EngineLoadReader,
  type Ledger,
  type LegRole,
  type PlacementCaches,
  type Policy,
  type PolicySource,
  type ShadowPolicies,
  type SharedPolicyState,
} from "@vllm-router/routing-core";
import type { Breakers } from "./breakers.ts";
import type { Lane } from "./lane.ts";
import type { RoutingOptions } from "./routing-options.ts";

/** Who decides, of one thread. */
export interface Deciders {
  /** Hashes prompts as the index has them. */
  readonly hasher: BlockHasher;
  /** One per lane: their inputs are reused, and a policy's state belongs to one set of workers. */
  readonly dispatchers: Readonly<Record<Lane, Dispatcher>>;
  /** Who chooses prefill workers; the others choose decode workers then. Undefined where nothing is divided. */
  readonly prefillDispatchers: Readonly<Record<Lane, Dispatcher>> | undefined;
  /** Per lane; undefined where there are none. */
  readonly shadows: Readonly<Record<Lane, ShadowPolicies>> | undefined;
  /** Whether the acting policy looks at what engines hold of a prompt. */
  readonly usesPrefix: boolean;
  /** Whether it or a shadow does: then prompts are to be known by their tokens. */
  readonly looksAtPrompts: boolean;
  /** Whether any policy looks at what engines report. */
  readonly usesEngineLoad: boolean;
}

/** The acting policies, and what of them must be known before anything else is made. */
export interface ActingPolicies {
  /** Of decode workers where generations are divided. */
  readonly byLane: Readonly<Record<Lane, Policy>>;
  /** Of prefill workers; undefined where nothing is divided. */
  readonly prefill: Readonly<Record<Lane, Policy>> | undefined;
  readonly usesPrefix: boolean;
  /** `--max-tree-size`; undefined where the policy has none. */
  readonly maxTreeTokens: number | undefined;
}

/** What policies share with their like in other threads. */
export interface SharedPolicies {
  readonly byLane: Readonly<Record<Lane, SharedPolicyState>>;
  /** Undefined where nothing is divided. */
  readonly prefill: Readonly<Record<Lane, SharedPolicyState>> | undefined;
}

/** Creates the acting policies. @throws RoutingError for an unknown policy or parameters out of range */
export function policiesOf(
  options: Pick<RoutingOptions, "policy" | "parameters" | "decider" | "legs">,
  shared?: SharedPolicies,
): ActingPolicies {
  const { legs, decider } = options;
  const { policy, parameters = {} } = legs?.decode ?? options;
  const byLane = {
    token: createPolicy(policy, parameters, shared?.byLane.token),
    proxy: createPolicy(policy, parameters, shared?.byLane.proxy),
  };
  return {
    byLane,
    prefill:
      legs === undefined
        ? undefined
        : {
            token: createPolicy(legs.prefill.policy, legs.prefill.parameters, shared?.prefill?.token),
            proxy: createPolicy(legs.prefill.policy, legs.prefill.parameters, shared?.prefill?.proxy),
          },
    // What stands before the policy may want prefixes although the policy does not, and so may the choice of legs.
    usesPrefix: byLane.token.usesPrefix || decider !== undefined || legs !== undefined,
    maxTreeTokens: byLane.token.parameters["maxTreeSize"],
  };
}

/** Creates the dispatchers of one thread, and the shadow policies. */
export function createDeciders(
  options: Pick<RoutingOptions, "shadowPolicies" | "decider" | "now" | "random">,
  state: {
    readonly policies: ActingPolicies;
    readonly slotCapacity: number;
    readonly ledger: Ledger;
    readonly loads: EngineLoadReader;
    readonly caches: PlacementCaches;
    readonly breakers: Breakers | undefined;
  },
): Deciders {
  const { decider, shadowPolicies = [], now: clock, random } = options;
  const { policies, slotCapacity, ledger, loads, caches, breakers } = state;
  const { byLane, prefill, usesPrefix, maxTreeTokens } = policies;
  const hasher = createBlockHasher();
  const guard = breakers === undefined ? {} : { breakers: breakers.guard };
  const dispatcherOf = (policy: Policy | PolicySource, role: LegRole): Dispatcher =>
    createDispatcher({
      policy,
      role,
      // Whether a prompt is worth a prefill leg shows in what the decode worker holds.
      tracksPrefix: role !== "serve",
      ledger,
      loads,
      index: caches,
      recorder: caches,
      clock,
      random,
      hasher,
      ...guard,
    });
  const mainOf = (lane: Lane): Dispatcher =>
    dispatcherOf(decider?.(byLane[lane], lane) ?? byLane[lane], prefill === undefined ? "serve" : "decode");
  const named = (): readonly Policy[] => shadowPolicies.map((name) => createPolicy(name));
  const shadowsOf = (): ShadowPolicies =>
    createShadowPolicies({
      ...(prefill === undefined
        ? { policies: named() }
        : { policies: [], legs: { prefill: named(), decode: named() } }),
      slotCapacity,
      clock,
      random,
      loads,
      blocksPerSlot: blocksOf(maxTreeTokens),
      ...guard,
    });
  const shadows = shadowPolicies.length === 0 ? undefined : { token: shadowsOf(), proxy: shadowsOf() };
  const looksAtLoad = (policy: Policy): boolean => policy.usesEngineLoad === true;
  return {
    hasher,
    dispatchers: { token: mainOf("token"), proxy: mainOf("proxy") },
    prefillDispatchers:
      prefill === undefined
        ? undefined
        : { token: dispatcherOf(prefill.token, "prefill"), proxy: dispatcherOf(prefill.proxy, "prefill") },
    shadows,
    usesPrefix,
    looksAtPrompts: usesPrefix || shadows !== undefined,
    usesEngineLoad:
      decider !== undefined ||
      looksAtLoad(byLane.token) ||
      (prefill !== undefined && looksAtLoad(prefill.token)) ||
      shadowPolicies.some((name) => looksAtLoad(createPolicy(name))),
  };
}

/** `--max-tree-size`: how many prompt tokens are remembered of each worker, in the index's whole blocks; 0 for no bound. */
export function blocksOf(maxTokens: number | undefined): number {
  return maxTokens === undefined ? 0 : Math.max(1, Math.floor(maxTokens / DEFAULT_BLOCK_TOKENS));
}
