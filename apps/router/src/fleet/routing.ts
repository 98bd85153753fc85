import {
  createBlockHasher,
  createDispatcher,
  createEngineCaches,
  createEngineLoadTable,
  createLedger,
  createPolicy,
  createPrefixIndex,
  createShadowPolicies,
  createWorkerSlots,
  DEFAULT_BLOCK_TOKENS,
  type BreakerParameters,
  type BlockHasher,
  type Clock,
  type Dispatcher,
  type EngineCaches,
  type EngineLoadTable,
  type Ledger,
  type LegRole,
  type Policy,
  type PolicySource,
  type PrefixIndex,
  type RandomSource,
  type ShadowPolicies,
  type WorkerSlots,
} from "@vllm-router/routing-core";
import { createBreakers, type BreakerListener, type Breakers } from "./breakers.ts";
import type { Lane } from "./lane.ts";

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
}

/** The policy of one leg. */
export interface LegPolicy {
  readonly policy: string;
  readonly parameters: Readonly<Partial<Record<string, number>>>;
}

/** Everything that decides where a generation goes, on one thread. */
export interface Routing {
  readonly slots: WorkerSlots;
  readonly ledger: Ledger;
  readonly index: PrefixIndex;
  /** What the engines hold, over the index. */
  readonly caches: EngineCaches;
  /** Hashes prompts as the index has them. */
  readonly hasher: BlockHasher;
  /** One per lane: their inputs are reused, and a policy's state belongs to one set of workers. */
  readonly dispatchers: Readonly<Record<Lane, Dispatcher>>;
  /** Who chooses prefill workers; the others choose decode workers then. Undefined where nothing is divided. */
  readonly prefillDispatchers: Readonly<Record<Lane, Dispatcher>> | undefined;
  /** What engines last reported of themselves. */
  readonly loads: EngineLoadTable;
  /** Per lane; undefined where there are none. */
  readonly shadows: Readonly<Record<Lane, ShadowPolicies>> | undefined;
  /** Whether the acting policy looks at what engines hold of a prompt. */
  readonly usesPrefix: boolean;
  /** Whether it or a shadow does: then prompts are to be known by their tokens. */
  readonly looksAtPrompts: boolean;
  /** Whether any policy looks at what engines report. */
  readonly usesEngineLoad: boolean;
  /** Undefined when breakers are off. */
  readonly breakers: Breakers | undefined;
}

const DEFAULT_SLOT_CAPACITY = 1_024;
/** Ranks that tell of blocks outside device memory at most, times the media there are. */
const OFFLOAD_SLOTS = 128;

/** Index of a policy that never looks at prefixes: only its bookkeeping, 272 bytes a slot. */
const UNUSED_INDEX_BYTES_PER_SLOT = 512;
const UNUSED_INDEX_BYTES = 16 * 1024;

/** Builds the parts of routing-core that share one ledger. @throws RoutingError for an unknown policy or parameters out of range */
export function createRouting(options: RoutingOptions): Routing {
  const { now: clock, random, parameters = {} } = options;
  const slotCapacity = options.slotCapacity ?? DEFAULT_SLOT_CAPACITY;
  const ledger = createLedger({ slotCapacity });
  const { legs } = options;
  const policyOf = (leg: LegPolicy): Policy => createPolicy(leg.policy, leg.parameters);
  const main = legs?.decode ?? { policy: options.policy, parameters };
  const policies = { token: policyOf(main), proxy: policyOf(main) };
  const { decider, shadowPolicies = [] } = options;
  // What stands before the policy may want prefixes although the policy does not.
  const usesPrefix = policies.token.usesPrefix || decider !== undefined || legs !== undefined;
  const loads = createEngineLoadTable({ slotCapacity });
  const index = createPrefixIndex({
    slotCapacity: slotCapacity + (usesPrefix ? OFFLOAD_SLOTS : 0),
    ...(usesPrefix ? {} : { capacityBytes: UNUSED_INDEX_BYTES + slotCapacity * UNUSED_INDEX_BYTES_PER_SLOT }),
  });
  const capacityBlocks = blocksOf(policies.token.parameters["maxTreeSize"]);
  const caches = createEngineCaches({ index, slotCapacity, clock, capacityBlocks });
  const slots = createWorkerSlots({
    capacity: slotCapacity,
    isIdle: (slot) => ledger.isIdle(slot),
    onReuse: (slot) => {
      caches.reset(slot);
      shadows?.token.clear(slot);
      shadows?.proxy.clear(slot);
    },
  });
  limitBlocks(index, capacityBlocks);
  const breakers = options.breaker === undefined ? undefined : createBreakers(options.breaker, clock);
  if (options.breakerChanged !== undefined) {
    breakers?.watch(options.breakerChanged);
  }
  const hasher = createBlockHasher();
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
      ...(breakers === undefined ? {} : { breakers: breakers.guard }),
    });
  const mainRole = legs === undefined ? "serve" : "decode";
  const shadowsOf = (): ShadowPolicies =>
    createShadowPolicies({
      policies: shadowPolicies.map((name) => createPolicy(name)),
      slotCapacity,
      clock,
      random,
      loads,
      blocksPerSlot: blocksOf(policies.token.parameters["maxTreeSize"]),
      ...(breakers === undefined ? {} : { breakers: breakers.guard }),
    });
  const shadows = shadowPolicies.length === 0 ? undefined : { token: shadowsOf(), proxy: shadowsOf() };
  const looksAtLoad = (policy: Policy): boolean => policy.usesEngineLoad === true;
  return {
    loads,
    shadows,
    usesPrefix,
    looksAtPrompts: usesPrefix || shadows !== undefined,
    usesEngineLoad:
      decider !== undefined ||
      looksAtLoad(policies.token) ||
      (legs !== undefined && looksAtLoad(policyOf(legs.prefill))) ||
      shadowPolicies.some((name) => looksAtLoad(createPolicy(name))),
    slots,
    ledger,
    index,
    caches,
    hasher,
    dispatchers: {
      token: dispatcherOf(decider?.(policies.token, "token") ?? policies.token, mainRole),
      proxy: dispatcherOf(decider?.(policies.proxy, "proxy") ?? policies.proxy, mainRole),
    },
    prefillDispatchers:
      legs === undefined
        ? undefined
        : {
            token: dispatcherOf(policyOf(legs.prefill), "prefill"),
            proxy: dispatcherOf(policyOf(legs.prefill), "prefill"),
          },
    breakers,
  };
}

/** `--max-tree-size`: how many prompt tokens are remembered of each worker, in the index's whole blocks; 0 for no bound. */
function blocksOf(maxTokens: number | undefined): number {
  return maxTokens === undefined ? 0 : Math.max(1, Math.floor(maxTokens / DEFAULT_BLOCK_TOKENS));
}

function limitBlocks(index: PrefixIndex, blocks: number): void {
  for (let slot = 0; slot < index.slotCapacity && blocks > 0; slot += 1) {
    index.setCapacity(slot, blocks);
  }
}
