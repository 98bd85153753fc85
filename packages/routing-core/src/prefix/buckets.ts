import { BUCKET_ENTRIES, BUCKET_WORDS, ENTRY_WORDS, type PrefixTableLayout } from "./prefix-table-layout.ts";

const WAY_MASK = BUCKET_ENTRIES - 1;

/**
 * Where the entry of a prompt's block can lie. A run of 16 consecutive blocks shares a home bucket, found by the key of the
 * run's first block, so that a long prompt is walked nearly sequentially (a random access per block would cost ten times as
 * much). Where many prompts part inside one run their blocks do not all fit there: the rest lie in the bucket that their
 * own key names.
 */
export class Buckets {
  readonly #table: Int32Array;
  readonly #entriesStart: number;
  readonly #bucketCount: number;

  constructor(table: Int32Array, layout: PrefixTableLayout) {
    this.#table = table;
    this.#entriesStart = layout.entriesStart;
    this.#bucketCount = layout.bucketCount;
  }

  /** First word of the home bucket of a block, given the prompt's keys. */
  home(words: Int32Array, block: number): number {
    return this.#start(words[2 * (block & ~WAY_MASK)]!);
  }

  /** First word of the other bucket of a block. */
  other(words: Int32Array, block: number): number {
    // The high word, or the first block of a run would have one bucket only.
    return this.#start(words[2 * block + 1]!);
  }

  /** First word of a block's entry, or -1. */
  find(words: Int32Array, block: number): number {
    const inHome = this.findAtHome(words, block);
    return inHome >= 0 ? inHome : this.#findIn(this.other(words, block), words, block);
  }

  /** First word of a block's entry in its home bucket, or -1. */
  findAtHome(words: Int32Array, block: number): number {
    return this.#findIn(this.home(words, block), words, block);
  }

  #findIn(bucket: number, words: Int32Array, block: number): number {
    const table = this.#table;
    const low = words[2 * block]!;
    const high = words[2 * block + 1]!;
    for (let step = 0; step < BUCKET_ENTRIES; step += 1) {
      const entry = bucket + ((block + step) & WAY_MASK) * ENTRY_WORDS;
      if (table[entry] === low && table[entry + 1] === high) {
        return entry;
      }
    }
    return -1;
  }

  #start(hash: number): number {
    return this.#entriesStart + Math.floor(((hash >>> 0) * this.#bucketCount) / 2 ** 32) * BUCKET_WORDS;
  }
}
