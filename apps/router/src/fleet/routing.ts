import {
  createEngineCaches,
  createEngineLoadTable,
  createLedger,
  createPrefixIndex,
  createWorkerSlots,
  type BreakerParameters,
  type Clock,
  type EngineCaches,
  type EngineLoadTable,
  type EngineLoadTableOptions,
  type Ledger,
  type Policy,
  type PolicySource,
  type PrefixIndex,
  type RandomSource,
  type WorkerSlots,
} from "@vllm-router/routing-core";
import { createBreakers, type BreakerListener, type Breakers } from "./breakers.ts";
import { blocksOf, createDeciders, policiesOf, type Deciders } from "./deciders.ts";
import type { Lane } from "./lane.ts";
import { DEFAULT_SLOT_CAPACITY, indexOptions, type RoutingMemory } from "./routing-memory.ts";

/** What decisions are made with. */
export interface RoutingOptions {
  /** Name of a policy of routing-core. */
  readonly policy: string;
  /** Names of policies that decide beside it without effect, with the default parameters. Default none. */
  readonly shadowPolicies?: readonly string[];
  /**
   * Puts something before the policy: who decides in each lane, given the policy that decides otherwise. Default nothing.
   */
  readonly decider?: (fallback: Policy, lane: Lane) => PolicySource;
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

/** Everything that decides where a generation goes, where the fleet is run. */
export interface Routing extends Deciders {
  readonly slots: WorkerSlots;
  readonly ledger: Ledger;
  readonly index: PrefixIndex;
  /** What the engines hold, over the index. */
  readonly caches: EngineCaches;
  /** What engines last reported of themselves. */
  readonly loads: EngineLoadTable;
  /** Undefined when breakers are off. */
  readonly breakers: Breakers | undefined;
}

/** Builds the parts of routing-core that share one ledger. @throws RoutingError for an unknown policy or parameters out of range */
export function createRouting(options: RoutingOptions): Routing {
  const { now: clock, memory } = options;
  const slotCapacity = options.slotCapacity ?? DEFAULT_SLOT_CAPACITY;
  const ledger = createLedger({
    slotCapacity,
    ...(memory === undefined ? {} : { buffer: memory.ledger, threads: memory.threads }),
  });
  const policies = policiesOf(options);
  const loads = createEngineLoadTable({
    slotCapacity,
    ...(memory === undefined ? {} : { buffer: memory.loads }),
    adaptersChanged: options.adaptersChanged,
  });
  const index = createPrefixIndex({
    ...indexOptions(slotCapacity, policies.usesPrefix),
    ...(memory === undefined ? {} : { buffer: memory.index }),
  });
  const capacityBlocks = blocksOf(policies.maxTreeTokens);
  const caches = createEngineCaches({
    index,
    slotCapacity,
    clock,
    capacityBlocks,
    ...(memory === undefined ? {} : { traits: memory.traits }),
  });
  const slots = createWorkerSlots({
    capacity: slotCapacity,
    isIdle: (slot) => ledger.isIdle(slot),
    onReuse: (slot) => {
      caches.reset(slot);
      deciders.shadows?.token.clear(slot);
      deciders.shadows?.proxy.clear(slot);
    },
  });
  limitBlocks(index, capacityBlocks);
  const breakers =
    options.breaker === undefined
      ? undefined
      : (options.breakerSummary ?? createBreakers(options.breaker, clock));
  if (options.breakerChanged !== undefined) {
    breakers?.watch(options.breakerChanged);
  }
  const deciders = createDeciders(options, { policies, slotCapacity, ledger, loads, caches, breakers });
  return { ...deciders, loads, slots, ledger, index, caches, breakers };
}

function limitBlocks(index: PrefixIndex, blocks: number): void {
  for (let slot = 0; slot < index.slotCapacity && blocks > 0; slot += 1) {
    index.setCapacity(slot, blocks);
  }
}
