import type { Buckets } from "./buckets.ts";
import {
  BUCKET_RUNS,
  ENTRY_WORDS,
  KEY_HIGH,
  RUN_BLOCKS,
  RUN_WORDS,
  STAMPS,
  TICK,
} from "./prefix-table-layout.ts";

/** Decides where a new block goes, and so which one is evicted for it. */
export class BlockPlacement {
  readonly #table: Int32Array;
  readonly #buckets: Buckets;
  /** Running average of how many insertions ago evicted blocks had been used. */
  #evictionAge = Infinity;

  constructor(table: Int32Array, buckets: Buckets) {
    this.#table = table;
    this.#buckets = buckets;
  }

  /** Learns how old an evicted block was. */
  evicts(entry: number): void {
    const age = this.#table[TICK]! - this.lastUse(entry);
    this.#evictionAge =
      this.#evictionAge === Infinity ? age : this.#evictionAge + (age - this.#evictionAge) / 64;
  }

  /**
   * The entry for a new block: next to the block before it, else where the least recently used block of its homes lies.
   * Only where all of those are in use more recently than what is evicted elsewhere (many prompts part in this run of
   * blocks) it goes where its own key says.
   */
  placeFor(words: Int32Array, block: number, previous: number): number {
    const tick = this.#table[TICK]!;
    if ((block & (RUN_BLOCKS - 1)) !== 0 && previous >= 0) {
      const next = previous + ENTRY_WORDS;
      // The block before may lie in the bucket of its own key, whose neighbours are not this block's.
      if (this.lastUse(next) <= tick - this.#evictionAge / 2 && this.#buckets.isHome(next, words, block)) {
        return next;
      }
    }
    const first = this.#leastUsed(this.#buckets.home(words, block));
    if (this.lastUse(first) <= tick - this.#evictionAge) {
      return first;
    }
    const second = this.#leastUsed(this.#buckets.secondHome(words, block));
    const older = this.lastUse(second) < this.lastUse(first) ? second : first;
    if (this.lastUse(older) <= tick - this.#evictionAge / 4) {
      return older;
    }
    const own = this.#leastUsed(this.#buckets.own(words, block));
    return this.lastUse(own) < this.lastUse(older) ? own : older;
  }

  /** Of a bucket's entries that a block can have, given the first, the least recently used. */
  #leastUsed(first: number): number {
    let victim = first;
    let victimStamp = this.lastUse(first);
    for (let run = 1; run < BUCKET_RUNS; run += 1) {
      const entry = first + run * RUN_WORDS;
      const stamp = this.lastUse(entry);
      if (stamp < victimStamp) {
        victim = entry;
        victimStamp = stamp;
      }
    }
    return victim;
  }

  /** Stamp of the entry's last use, also by slots that have lost it since; a free entry was used before all others. */
  lastUse(entry: number): number {
    const table = this.#table;
    if (table[entry + KEY_HIGH] === 0) {
      return -Infinity;
    }
    const first = table[entry + STAMPS]!;
    const second = table[entry + STAMPS + 1]!;
    const third = table[entry + STAMPS + 2]!;
    const fourth = table[entry + STAMPS + 3]!;
    const last = first > second ? first : second;
    const alsoLast = third > fourth ? third : fourth;
    return last > alsoLast ? last : alsoLast;
  }
}
