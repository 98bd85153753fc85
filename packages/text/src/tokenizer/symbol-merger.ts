import { type MergeTable, NO_MERGE } from "./merge-table.ts";

const LINEAR_LIMIT = 64;
/** Positions fit below this factor in a heap key, ranks above it: rank × 2^27 + position stays below 2^53. */
const POSITION_LIMIT = 0x8000000;

/**
 * Merges the symbols of one word by a BPE merge table: always the pair of lowest rank, the leftmost of equals.
 * Short words are scanned; long ones use a linked list and a heap, so that time stays n log n for hostile input.
 */
export class SymbolMerger {
  /** The symbols to merge; filled by the caller from 0, merged in place. */
  symbols = new Int32Array(256);
  private readonly ranks = new Int32Array(LINEAR_LIMIT + 1);
  private readonly table: MergeTable;
  private readonly byteTokens: Int32Array;
  /** Rank of the merge of each pair of bytes, by first × 256 + second. */
  private readonly bytePairs: Int32Array;

  /** @param byteTokens Id of each byte's symbol, for {@link SymbolMerger.mergeBytes}. */
  constructor(table: MergeTable, byteTokens: Int32Array = new Int32Array(0)) {
    this.table = table;
    this.byteTokens = byteTokens;
    this.bytePairs = pairsOf(byteTokens, table);
  }

  /** Makes room for a number of symbols; those already written are kept. */
  reserve(count: number): void {
    if (count <= this.symbols.length) return;
    const larger = new Int32Array(Math.max(count, this.symbols.length * 2));
    larger.set(this.symbols);
    this.symbols = larger;
  }

  /** Gives memory of an unusually long word back. */
  trim(): void {
    if (this.symbols.length > 1 << 16) this.symbols = new Int32Array(256);
  }

  /** Merges the first `count` symbols; returns how many are left. */
  merge(count: number): number {
    if (count > LINEAR_LIMIT) return this.mergeLong(count);
    const { symbols, ranks, table } = this;
    for (let index = 0; index + 1 < count; index++) {
      ranks[index] = table.find(symbols[index] as number, symbols[index + 1] as number);
    }
    return this.mergeShort(count);
  }

  /** Merges the bytes of a word; returns how many symbols are left. */
  mergeBytes(bytes: Uint8Array, start: number, length: number): number {
    this.reserve(length);
    const { symbols, byteTokens } = this;
    for (let index = 0; index < length; index++) {
      symbols[index] = byteTokens[bytes[start + index] as number] as number;
    }
    if (length > LINEAR_LIMIT) return this.mergeLong(length);
    const { ranks, bytePairs } = this;
    for (let index = 0; index + 1 < length; index++) {
      const pair = ((bytes[start + index] as number) << 8) | (bytes[start + index + 1] as number);
      ranks[index] = bytePairs[pair] as number;
    }
    return this.mergeShort(length);
  }

  private mergeShort(initialCount: number): number {
    const { symbols, ranks, table } = this;
    let count = initialCount;
    for (;;) {
      let best = NO_MERGE;
      let at = -1;
      for (let index = 0; index + 1 < count; index++) {
        const rank = ranks[index] as number;
        if (rank < best) {
          best = rank;
          at = index;
        }
      }
      if (at < 0) return count;
      count--;
      for (let index = at + 1; index < count; index++) {
        symbols[index] = symbols[index + 1] as number;
        ranks[index] = ranks[index + 1] as number;
      }
      const merged = table.tokenOf(best);
      symbols[at] = merged;
      if (at > 0) ranks[at - 1] = table.find(symbols[at - 1] as number, merged);
      if (at + 1 < count) ranks[at] = table.find(merged, symbols[at + 1] as number);
    }
  }

  private mergeLong(count: number): number {
    if (count >= POSITION_LIMIT) throw new RangeError("a word of more than 2^27 symbols cannot be merged");
    const { symbols, table } = this;
    const next = new Int32Array(count);
    const previous = new Int32Array(count);
    for (let index = 0; index < count; index++) {
      next[index] = index + 1 < count ? index + 1 : -1;
      previous[index] = index - 1;
    }
    const heap = new KeyHeap();
    const offer = (position: number): void => {
      const right = next[position] as number;
      if (right < 0) return;
      const rank = table.find(symbols[position] as number, symbols[right] as number);
      if (rank !== NO_MERGE) heap.push(rank * POSITION_LIMIT + position);
    };
    for (let index = 0; index + 1 < count; index++) offer(index);
    while (heap.size > 0) {
      const key = heap.pop();
      const rank = Math.floor(key / POSITION_LIMIT);
      const position = key - rank * POSITION_LIMIT;
      const right = next[position] as number;
      if (right < 0 || symbols[position] === -1) continue;
      // An entry is stale when one of its two symbols has since been merged with another.
      if (table.find(symbols[position] as number, symbols[right] as number) !== rank) continue;
      symbols[position] = table.tokenOf(rank);
      symbols[right] = -1;
      const after = next[right] as number;
      next[position] = after;
      if (after >= 0) previous[after] = position;
      const before = previous[position] as number;
      if (before >= 0) offer(before);
      offer(position);
    }
    let kept = 0;
    for (let index = 0; index >= 0; index = next[index] as number) symbols[kept++] = symbols[index] as number;
    return kept;
  }
}

/** A binary heap of numbers, smallest first. */
class KeyHeap {
  private readonly keys: number[] = [];

  get size(): number {
    return this.keys.length;
  }

  push(key: number): void {
    const keys = this.keys;
    let index = keys.length;
    keys.push(key);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const parentKey = keys[parent] as number;
      if (parentKey <= key) break;
      keys[index] = parentKey;
      index = parent;
    }
    keys[index] = key;
  }

  pop(): number {
    const keys = this.keys;
    const top = keys[0] as number;
    const last = keys.pop() as number;
    const size = keys.length;
    if (size === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      if (child + 1 < size && (keys[child + 1] as number) < (keys[child] as number)) child++;
      const childKey = keys[child] as number;
      if (childKey >= last) break;
      keys[index] = childKey;
      index = child;
    }
    keys[index] = last;
    return top;
  }
}

function pairsOf(byteTokens: Int32Array, table: MergeTable): Int32Array {
  const pairs = new Int32Array(byteTokens.length * byteTokens.length);
  for (let first = 0; first < byteTokens.length; first++) {
    for (let second = 0; second < byteTokens.length; second++) {
      pairs[first * 256 + second] = table.find(byteTokens[first] as number, byteTokens[second] as number);
    }
  }
  return pairs;
}
