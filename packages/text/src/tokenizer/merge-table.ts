/** What stands for the rank of a pair without a merge: above every rank. */
export const NO_MERGE = 0x7fffffff;

const FIELDS = 3;
/** Bits of the filter for each slot of the table. */
const FILTER_BITS = 8;

/**
 * The merges of a BPE model as one open-addressing hash table: (left id, right id) → rank. Most pairs that are looked up have no merge;
 * a filter of one bit a hash, which stays in the processor's cache, tells nearly all of those.
 */
export class MergeTable {
  private readonly entries: Int32Array;
  private readonly filter: Int32Array;
  private readonly tokens: Int32Array;
  private readonly mask: number;
  private readonly filterMask: number;

  /** @param capacity Number of merges that will be added at most; ranks are below it. */
  constructor(capacity: number) {
    let size = 16;
    while (size < capacity * 1.5) size *= 2;
    this.entries = new Int32Array(size * FIELDS).fill(-1);
    this.mask = size - 1;
    this.filter = new Int32Array((size * FILTER_BITS) / 32);
    this.filterMask = size * FILTER_BITS - 1;
    this.tokens = new Int32Array(capacity);
  }

  /** Adds a merge; a later one for the same pair replaces the earlier one. */
  add(left: number, right: number, merge: { rank: number; token: number }): void {
    const { entries } = this;
    const hash = hashOf(left, right);
    const bit = hash & this.filterMask;
    this.filter[bit >> 5] = (this.filter[bit >> 5] as number) | (1 << (bit & 31));
    this.tokens[merge.rank] = merge.token;
    let slot = hash & this.mask;
    for (;;) {
      const base = slot * FIELDS;
      if (entries[base] === -1 || (entries[base] === left && entries[base + 1] === right)) {
        entries[base] = left;
        entries[base + 1] = right;
        entries[base + 2] = merge.rank;
        return;
      }
      slot = (slot + 1) & this.mask;
    }
  }

  /** Rank of a pair's merge, lower ones first, or {@link NO_MERGE}. */
  find(left: number, right: number): number {
    const { entries } = this;
    const hash = hashOf(left, right);
    const bit = hash & this.filterMask;
    if ((((this.filter[bit >> 5] as number) >>> (bit & 31)) & 1) === 0) return NO_MERGE;
    let slot = hash & this.mask;
    for (;;) {
      const base = slot * FIELDS;
      const key = entries[base] as number;
      if (key === left && entries[base + 1] === right) return entries[base + 2] as number;
      if (key === -1) return NO_MERGE;
      slot = (slot + 1) & this.mask;
    }
  }

  /** Token that the merge of a rank makes. */
  tokenOf(rank: number): number {
    return this.tokens[rank] as number;
  }
}

function hashOf(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
