/** No merge for a pair. */
export const NO_MERGE = -1;

const FIELDS = 4;

/**
 * The merges of a BPE model as one open-addressing hash table: (left id, right id) → (rank, id of the merged token).
 * The four numbers of an entry lie side by side, so that a lookup touches one cache line.
 */
export class MergeTable {
  private readonly entries: Int32Array;
  private readonly mask: number;

  /** @param capacity Number of merges that will be added at most. */
  constructor(capacity: number) {
    let size = 16;
    while (size < capacity * 2) size *= 2;
    this.entries = new Int32Array(size * FIELDS).fill(-1);
    this.mask = size - 1;
  }

  /** Adds a merge; a later one for the same pair replaces the earlier one. */
  add(left: number, right: number, merge: { rank: number; token: number }): void {
    const entries = this.entries;
    let slot = this.slotOf(left, right);
    for (;;) {
      const base = slot * FIELDS;
      if (entries[base] === -1 || (entries[base] === left && entries[base + 1] === right)) {
        entries[base] = left;
        entries[base + 1] = right;
        entries[base + 2] = merge.rank;
        entries[base + 3] = merge.token;
        return;
      }
      slot = (slot + 1) & this.mask;
    }
  }

  /** Where a pair's merge is stored, or {@link NO_MERGE}. */
  find(left: number, right: number): number {
    const entries = this.entries;
    let slot = this.slotOf(left, right);
    for (;;) {
      const base = slot * FIELDS;
      const key = entries[base];
      if (key === -1) return NO_MERGE;
      if (key === left && entries[base + 1] === right) return base;
      slot = (slot + 1) & this.mask;
    }
  }

  /** Rank of the merge at a place {@link find} gave: lower merges first. */
  rankAt(place: number): number {
    return this.entries[place + 2] as number;
  }

  /** Token that the merge at a place {@link find} gave makes. */
  tokenAt(place: number): number {
    return this.entries[place + 3] as number;
  }

  private slotOf(left: number, right: number): number {
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    return (mixed ^ (mixed >>> 15)) & this.mask;
  }
}
