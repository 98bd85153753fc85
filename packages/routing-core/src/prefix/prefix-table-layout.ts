import { RoutingError } from "../routing-error.ts";
import type { PrefixIndexOptions } from "./prefix-index.ts";

/** Words of one table entry: key low, key high, two words of packed slots, four words of stamps. 32 bytes. */
export const ENTRY_WORDS = 8;
/** Word of an entry: high word of its key, 0 when the entry is free. */
export const KEY_HIGH = 1;
/** Words of an entry: stamps of its holders' last uses. */
export const STAMPS = 4;
/** Consecutive blocks of a prompt that lie next to each other. */
export const RUN_BLOCKS = 4;
/** Words of a run's four entries: two cache lines. */
export const RUN_WORDS = ENTRY_WORDS * RUN_BLOCKS;
/** Runs that fit into one bucket. */
export const BUCKET_RUNS = 8;
/** Entries in a bucket. */
export const BUCKET_ENTRIES = BUCKET_RUNS * RUN_BLOCKS;
/** Words of one bucket. */
export const BUCKET_WORDS = ENTRY_WORDS * BUCKET_ENTRIES;
/** Checkpoints of the window by which a slot's blocks expire; see `slot-window.ts`. */
export const WINDOW_CHECKPOINTS = 64;
/** Words of bookkeeping per slot: expiry, capacity, blocks since the last checkpoint, checkpoint position, checkpoints. */
export const SLOT_WORDS = 4 + WINDOW_CHECKPOINTS;

const HEADER_WORDS = 16;
const MAX_SLOTS = 65_534;
const DEFAULT_CAPACITY_BYTES = 64 * 1024 * 1024;
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;

/** Where everything lies in a prefix index's one buffer, in 32-bit words. */
export interface PrefixTableLayout {
  readonly slotCapacity: number;
  /** Words of a bit set over all slots. */
  readonly setWords: number;
  readonly slotsStart: number;
  /** Bit sets for blocks held by more slots than an entry has room for. */
  readonly rowsStart: number;
  readonly rowCount: number;
  /** Stack of free rows. */
  readonly freeRowsStart: number;
  readonly entriesStart: number;
  readonly bucketCount: number;
  /** One number per bucket, behind the entries; see `bucket-versions.ts`. */
  readonly versionsStart: number;
  readonly totalWords: number;
}

/** Divides the bytes: per-slot bookkeeping first, then one eighth for shared blocks, the rest for entries. */
export function layOutPrefixTable(options: PrefixIndexOptions): PrefixTableLayout {
  const { slotCapacity, capacityBytes = DEFAULT_CAPACITY_BYTES } = options;
  if (!Number.isInteger(slotCapacity) || slotCapacity < 1 || slotCapacity > MAX_SLOTS) {
    throw new RoutingError(
      "invalid_parameter",
      `slotCapacity must be 1 to ${MAX_SLOTS}, got ${slotCapacity}`,
    );
  }
  const setWords = Math.ceil(slotCapacity / 32);
  const slotsStart = HEADER_WORDS;
  const rowsStart = slotsStart + slotCapacity * SLOT_WORDS;
  const remainingWords = Math.floor(capacityBytes / WORD_BYTES) - rowsStart;
  if (!(remainingWords >= BUCKET_WORDS + 1)) {
    const neededBytes = (rowsStart + BUCKET_WORDS + 1) * WORD_BYTES;
    throw new RoutingError(
      "invalid_parameter",
      `capacityBytes must be at least ${neededBytes} for ${slotCapacity} slots, got ${capacityBytes}`,
    );
  }
  // Whatever is left after one bucket at least.
  const sharedWords = Math.min(remainingWords / 8, remainingWords - BUCKET_WORDS - 1);
  const rowCount = Math.floor(sharedWords / (setWords + 1));
  const freeRowsStart = rowsStart + rowCount * setWords;
  const entriesStart = freeRowsStart + rowCount;
  const totalWordsAllowed = rowsStart + remainingWords;
  const bucketCount = Math.floor((totalWordsAllowed - entriesStart) / (BUCKET_WORDS + 1));
  const versionsStart = entriesStart + bucketCount * BUCKET_WORDS;
  return {
    slotCapacity,
    setWords,
    slotsStart,
    rowsStart,
    rowCount,
    freeRowsStart,
    entriesStart,
    bucketCount,
    versionsStart,
    totalWords: versionsStart + bucketCount,
  };
}

/** Size of an index's buffer, for callers that allocate a SharedArrayBuffer themselves. */
export function prefixIndexSizeBytes(options: PrefixIndexOptions): number {
  return layOutPrefixTable(options).totalWords * WORD_BYTES;
}

/** Header word: how many insertions there have been; the unit of every stamp. */
export const TICK = 0;
/** Header word: free rows on the stack. */
export const FREE_ROWS = 1;
/** Header word: rows that have ever been in use are the first so many. */
export const TOUCHED_ROWS = 3;
/** Header word: 1 once the buffer has been initialised by its first owner. */
export const INITIALISED = 2;
/** Header word: changes when something changes that all buckets depend on; see `bucket-versions.ts`. */
export const EPOCH = 4;
