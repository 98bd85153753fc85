import type { WorkerSlot } from "../snapshot.ts";
import type { BlockKeys } from "./block-keys.ts";

/** The reading half of a prefix index: what request threads see. */
export interface PrefixReader {
  readonly slotCapacity: number;
  /**
   * Writes, for every slot, how many leading blocks of the prompt it is believed to hold; slots beyond the index's are
   * left alone. Returns the largest number. `matchedBlocks` must have at least `slotCapacity` elements.
   */
  match(keys: BlockKeys, matchedBlocks: Int32Array): number;
}

/** The writing half: one owner only (the fleet thread, or the only thread). */
export interface PrefixWriter {
  /**
   * Records that the slot holds all blocks of the prompt, or soon will, and marks them as just used. Returns how many of
   * them were new to the slot.
   */
  insert(keys: BlockKeys, slot: WorkerSlot): number;
  /** Records that the slot holds one block, given the prompt's keys (the first block of its run suffices beside its own). */
  insertBlock(words: Int32Array, block: number, slot: WorkerSlot): void;
  /** Forgets that the slot holds one block. */
  removeBlock(words: Int32Array, block: number, slot: WorkerSlot): void;
  /** Stamp of the slot's last use of a block, 0 when it does not hold it. Stamps grow with `tick`. */
  lastUse(words: Int32Array, block: number, slot: WorkerSlot): number;
  /** Forgets what the slot last used before a stamp. */
  expire(slot: WorkerSlot, before: number): void;
  /** Moves on the clock of last use: once for what is brought in together. `insert` does it itself. */
  tick(): void;
  /** Forgets that the slot holds the blocks from `fromBlock` on. */
  truncate(keys: BlockKeys, slot: WorkerSlot, fromBlock: number): void;
  /** Forgets everything about the slot. */
  clear(slot: WorkerSlot): void;
  /**
   * Bounds what the slot is believed to hold, least recently used first: the engine's number of KV blocks. 0 means that
   * only the index's own size bounds it.
   */
  setCapacity(slot: WorkerSlot, blocks: number): void;
}

/**
 * Which worker is believed to hold which prompt prefix, in a fixed amount of memory. It is approximate: it may forget
 * (least recently used first) and it may claim what an engine has evicted since.
 */
export interface PrefixIndex extends PrefixReader, PrefixWriter {
  /** Memory taken, never more than the `capacityBytes` asked for (but at least one bucket). */
  readonly sizeBytes: number;
  /** Pass it to `createPrefixIndex` in another thread, with the same options. */
  readonly buffer: ArrayBufferLike;
  /** Counts by a scan of the whole table: for metrics, not for the request path. */
  stats(): PrefixIndexStats;
}

/** Figures of a {@link PrefixIndex}. */
export interface PrefixIndexStats {
  /** Distinct blocks that some slot holds. */
  readonly blocks: number;
  /** Sum over the slots of the blocks they hold. */
  readonly holdings: number;
  /** Blocks that can be stored at most. */
  readonly blockCapacity: number;
  /** Blocks thrown out to make room, since the creation of this object. */
  readonly evictedBlocks: number;
  /** Lookups of this object during which another thread wrote again and again, so that the answer may mix instants. */
  readonly unsettledMatches: number;
  /** Blocks held by more slots than an entry has room for, and how many such blocks there can be. */
  readonly sharedBlocks: number;
  readonly sharedBlockCapacity: number;
}

/** Options of {@link createPrefixIndex}. */
export interface PrefixIndexOptions {
  /** Number of slots; at most 65,534. */
  readonly slotCapacity: number;
  /** Hard bound of the memory. Default 64 MiB, room for about 1.6 million blocks of 16 tokens. */
  readonly capacityBytes?: number;
  /** An existing index's buffer to attach to (same options); a new plain one is made when missing. */
  readonly buffer?: ArrayBufferLike;
}
