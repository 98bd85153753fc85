import type { PrefixIndexOptions } from "@vllm-router/routing-core";

/** The buffers of routing state that several threads share. */
export interface RoutingMemory {
  readonly slotCapacity: number;
  /** Request threads. */
  readonly threads: number;
  readonly ledger: SharedArrayBuffer;
  readonly loads: SharedArrayBuffer;
  readonly index: SharedArrayBuffer;
  readonly traits: SharedArrayBuffer;
}

/** Data-parallel ranks of all workers together at most, where nothing else is said. */
export const DEFAULT_SLOT_CAPACITY = 1_024;
/** Ranks that tell of blocks outside device memory at most, times the media there are. */
const OFFLOAD_SLOTS = 128;
/** Index of a policy that never looks at prefixes: only its bookkeeping, 272 bytes a slot. */
const UNUSED_INDEX_BYTES_PER_SLOT = 512;
const UNUSED_INDEX_BYTES = 16 * 1024;

/** How large the prefix index is. */
export function indexOptions(slotCapacity: number, usesPrefix: boolean): PrefixIndexOptions {
  return {
    slotCapacity: slotCapacity + (usesPrefix ? OFFLOAD_SLOTS : 0),
    ...(usesPrefix ? {} : { capacityBytes: UNUSED_INDEX_BYTES + slotCapacity * UNUSED_INDEX_BYTES_PER_SLOT }),
  };
}
