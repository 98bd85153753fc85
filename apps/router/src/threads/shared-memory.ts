import {
  cacheTraitsSizeBytes,
  createPolicy,
  engineLoadTableSizeBytes,
  ledgerBufferSizeBytes,
  policySharedBytes,
  prefixIndexSizeBytes,
  ringBufferSizeBytes,
  type SharedPolicyState,
} from "@vllm-router/routing-core";
import type { Lane } from "../fleet/lane.ts";
import { DEFAULT_SLOT_CAPACITY, indexOptions, type RoutingMemory } from "../fleet/routing-memory.ts";
import { doorsSizeBytes } from "./shared-doors.ts";

/** Everything that the threads of one router share. */
export interface SharedMemory extends RoutingMemory {
  readonly usesPrefix: boolean;
  /** Admission: who is inside, who waits. */
  readonly doors: SharedArrayBuffer;
  /** What the policies of all threads share, per lane. */
  readonly policyState: Readonly<Record<Lane, SharedPolicyState>>;
  /** One ring per thread, on which it tells the fleet's thread of placements. */
  readonly rings: readonly SharedArrayBuffer[];
}

/** A ring holds the keys of some thousand prompts of 2,000 tokens: 1 MiB. */
const RING_WORDS = 2 ** 18;

/** Allocates the memory of so many request threads. */
export function allocateSharedMemory(options: {
  readonly threads: number;
  readonly policy: string;
  readonly parameters: Readonly<Partial<Record<string, number>>>;
}): SharedMemory {
  const { threads, policy, parameters } = options;
  const slotCapacity = DEFAULT_SLOT_CAPACITY;
  const { usesPrefix } = createPolicy(policy, parameters);
  const stateOf = (): SharedPolicyState => ({
    buffer: new SharedArrayBuffer(policySharedBytes(policy, parameters, slotCapacity)),
    slotCapacity,
  });
  return {
    slotCapacity,
    threads,
    usesPrefix,
    ledger: new SharedArrayBuffer(ledgerBufferSizeBytes(slotCapacity, threads)),
    loads: new SharedArrayBuffer(engineLoadTableSizeBytes(slotCapacity)),
    index: new SharedArrayBuffer(prefixIndexSizeBytes(indexOptions(slotCapacity, usesPrefix))),
    traits: new SharedArrayBuffer(cacheTraitsSizeBytes(slotCapacity)),
    policyState: { token: stateOf(), proxy: stateOf() },
    doors: new SharedArrayBuffer(doorsSizeBytes(threads)),
    rings: Array.from(
      { length: threads },
      () => new SharedArrayBuffer(ringBufferSizeBytes(usesPrefix ? RING_WORDS : 2)),
    ),
  };
}
