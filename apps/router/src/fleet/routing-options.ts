import {
  type BreakerParameters,
  type Clock,
  type EngineLoadTableOptions,
  type Policy,
  type PolicySource,
  type RandomSource,
} from "@vllm-router/routing-core";
import { type BreakerListener, type Breakers } from "./breakers.ts";
import type { Lane } from "./lane.ts";
import { type RoutingMemory } from "./routing-memory.ts";

/** What decisions are made with. */
export interface RoutingOptions {
  /** Name of a policy of routing-core. */
  readonly policy: string;
  /** Names of policies that decide beside it without effect, with the default parameters. Default none. */
  readonly shadowPolicies?: readonly string[];
  /**
   * Puts something before the policy: who decides in each lane, given the policy that decides otherwise. Default nothing.
   */
  readonly decider?: ((fallback: Policy, lane: Lane) => PolicySource) | undefined;
  /** Policies of the two legs where generations are divided; undefined where they are not. */
  readonly legs?: { readonly prefill: LegPolicy; readonly decode: LegPolicy } | undefined;
  /** Its parameters by name; missing ones take their defaults. */
  readonly parameters?: Readonly<Partial<Record<string, number>>>;
  /** Parameters of the circuit breakers, missing ones with their defaults; undefined for no breakers. */
  readonly breaker: Partial<BreakerParameters> | undefined;
  /** A clock that never jumps: `timers.steadyMs`. */
  readonly now: Clock;
  readonly random: RandomSource;
  /** Hears that the breaker of the worker whose first slot this is changed. */
  readonly breakerChanged?: BreakerListener;
  /** Data-parallel ranks of all workers together at most. Default 1,024. */
  readonly slotCapacity?: number;
  /** What other threads share; plain memory where there are none. */
  readonly memory?: RoutingMemory | undefined;
  /** Hears of the adapters that engines report, for other threads. */
  readonly adaptersChanged?: EngineLoadTableOptions["adaptersChanged"];
  /** The circuit breakers' summary where other threads have the breakers; they are made here when missing. */
  readonly breakerSummary?: Breakers | undefined;
}

/** The policy of one leg. */
export interface LegPolicy {
  readonly policy: string;
  readonly parameters: Readonly<Partial<Record<string, number>>>;
}
