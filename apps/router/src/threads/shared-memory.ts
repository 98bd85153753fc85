import {
  cacheTraitsSizeBytes,
  engineLoadTableSizeBytes,
  ledgerBufferSizeBytes,
  policySharedBytes,
  prefixIndexSizeBytes,
  ringBufferSizeBytes,
  type SharedPolicyState,
} from "@vllm-router/routing-core";
import { policiesOf, type SharedPolicies } from "../fleet/deciders.ts";
import type { LegPolicy, RoutingOptions } from "../fleet/routing-options.ts";
import { DEFAULT_SLOT_CAPACITY, indexOptions, type RoutingMemory } from "../fleet/routing-memory.ts";
import { doorsSizeBytes } from "./shared-doors.ts";

/** Everything that the threads of one router share. */
export interface SharedMemory extends RoutingMemory {
  readonly usesPrefix: boolean;
  /** Admission: who is inside, who waits. */
  readonly doors: SharedArrayBuffer;
  /** What the policies of all threads share. */
  readonly policyState: SharedPolicies;
  /** One ring per thread, on which it tells the fleet's thread of placements. */
  readonly rings: readonly SharedArrayBuffer[];
}

/** A ring holds the keys of some thousand prompts of 2,000 tokens: 1 MiB. */
const RING_WORDS = 2 ** 18;

/** Allocates the memory of so many request threads. */
export function allocateSharedMemory(
  threads: number,
  options: Pick<RoutingOptions, "policy" | "parameters" | "legs" | "decider">,
): SharedMemory {
  const { legs, policy, parameters = {} } = options;
  const slotCapacity = DEFAULT_SLOT_CAPACITY;
  const { usesPrefix } = policiesOf(options);
  const stateOf = (leg: LegPolicy): SharedPolicyState => ({
    buffer: new SharedArrayBuffer(policySharedBytes(leg.policy, leg.parameters, slotCapacity)),
    slotCapacity,
  });
  const statesOf = (leg: LegPolicy): SharedPolicies["byLane"] => ({
    token: stateOf(leg),
    proxy: stateOf(leg),
  });
  return {
    slotCapacity,
    threads,
    usesPrefix,
    ledger: new SharedArrayBuffer(ledgerBufferSizeBytes(slotCapacity, threads)),
    loads: new SharedArrayBuffer(engineLoadTableSizeBytes(slotCapacity)),
    index: new SharedArrayBuffer(prefixIndexSizeBytes(indexOptions(slotCapacity, usesPrefix))),
    traits: new SharedArrayBuffer(cacheTraitsSizeBytes(slotCapacity)),
    policyState: {
      byLane: statesOf(legs?.decode ?? { policy, parameters }),
      prefill: legs === undefined ? undefined : statesOf(legs.prefill),
    },
    doors: new SharedArrayBuffer(doorsSizeBytes(threads)),
    rings: Array.from(
      { length: threads },
      () => new SharedArrayBuffer(ringBufferSizeBytes(usesPrefix ? RING_WORDS : 2)),
    ),
  };
}
