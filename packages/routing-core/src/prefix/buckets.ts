import type { BucketVersions } from "./bucket-versions.ts";
import {
  BUCKET_RUNS,
  BUCKET_WORDS,
  ENTRY_WORDS,
  KEY_HIGH,
  type PrefixTableLayout,
  RUN_BLOCKS,
  RUN_WORDS,
} from "./prefix-table-layout.ts";

const RUN_MASK = RUN_BLOCKS - 1;

/**
 * Where the entry of a prompt's block can lie. A run of four consecutive blocks has two home buckets, found by the key of
 * the run's first block, and lies there side by side, so that a long prompt costs one random access per run. Eight runs fit
 * into a bucket: a choice of sixteen makes "the least recently used of them" nearly the least recently used of all. Where
 * many prompts part inside one run, their blocks do not all fit at home: the rest lie in the bucket their own key names.
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

  /**
   * First of a block's possible entries in its first home bucket, given the prompt's keys; the others follow at distances
   * of `RUN_WORDS`.
   */
  home(words: Int32Array, block: number): number {
    return this.#start(words[2 * (block & ~RUN_MASK)]!) + (block & RUN_MASK) * ENTRY_WORDS;
  }

  /** The same in the second home bucket. */
  secondHome(words: Int32Array, block: number): number {
    return this.#start(words[2 * (block & ~RUN_MASK) + 1]!) + (block & RUN_MASK) * ENTRY_WORDS;
  }

  /** The same in the bucket named by the block's own key. */
  own(words: Int32Array, block: number): number {
    // Mixed anew, or the first block of a run would find itself at home.
    const hash = Math.imul(words[2 * block]! ^ words[2 * block + 1]!, 0x9e3779b1);
    return this.#start(hash) + (block & RUN_MASK) * ENTRY_WORDS;
  }

  /**
   * Reads the first of the runs where blocks can lie, up to `end`: far apart in memory, they come side by side into the processor's cache,
   * where a search would wait for one after the other. What it returns means nothing.
   */
  touch(words: Int32Array, start: number, end: number): number {
    let seen = 0;
    for (let block = start; block < end; block += RUN_BLOCKS) {
      const home = this.home(words, block);
      seen ^= this.#table[home]! ^ this.#table[home + RUN_WORDS / 2]!;
    }
    return seen;
  }

  /** The same of all of the blocks' home buckets, for who searches them in vain and looks for room there then. */
  touchHomes(words: Int32Array, start: number, end: number): number {
    let seen = 0;
    for (let block = start & ~RUN_MASK; block < end; block += RUN_BLOCKS) {
      const home = this.home(words, block);
      const second = this.secondHome(words, block);
      for (let word = 0; word < BUCKET_WORDS; word += RUN_WORDS / 2) {
        seen ^= this.#table[home + word]! ^ this.#table[second + word]!;
      }
    }
    return seen;
  }

  /** Whether an entry is one of a block's possible ones in its home buckets. */
  isHome(entry: number, words: Int32Array, block: number): boolean {
    const first = entry - this.home(words, block);
    const second = entry - this.secondHome(words, block);
    return (
      (first >= 0 && first < BUCKET_WORDS && first % RUN_WORDS === 0) ||
      (second >= 0 && second < BUCKET_WORDS && second % RUN_WORDS === 0)
    );
  }

  /** A block's entry, or -1. */
  find(words: Int32Array, block: number): number {
    const atHome = this.findAtHome(words, block);
    return atHome >= 0 ? atHome : this.#findIn(this.own(words, block), words, block);
  }

  /** The same, given the entry of the block before it: inside a run it nearly always lies next to that. */
  findBehind(previous: number, words: Int32Array, block: number): number {
    const next = previous + ENTRY_WORDS;
    const isNext =
      (block & RUN_MASK) !== 0 &&
      this.#table[next] === words[2 * block] &&
      this.#table[next + KEY_HIGH] === words[2 * block + 1];
    return isNext ? next : this.find(words, block);
  }

  /** The same for a reader beside a writer: notes what it looks into. */
  findNoted(words: Int32Array, block: number, versions: BucketVersions): number {
    const home = this.home(words, block);
    versions.note(home);
    let entry = this.#findIn(home, words, block);
    if (entry >= 0) {
      return entry;
    }
    const secondHome = this.secondHome(words, block);
    versions.note(secondHome);
    entry = this.#findIn(secondHome, words, block);
    if (entry >= 0) {
      return entry;
    }
    const own = this.own(words, block);
    versions.note(own);
    return this.#findIn(own, words, block);
  }

  /** A block's entry in its home buckets, or -1. */
  findAtHome(words: Int32Array, block: number): number {
    const entry = this.#findIn(this.home(words, block), words, block);
    return entry >= 0 ? entry : this.#findIn(this.secondHome(words, block), words, block);
  }

  #findIn(first: number, words: Int32Array, block: number): number {
    const table = this.#table;
    const low = words[2 * block]!;
    const high = words[2 * block + 1]!;
    for (let run = 0; run < BUCKET_RUNS; run += 1) {
      const entry = first + run * RUN_WORDS;
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
