import { type MergeTable, NO_MERGE } from "./merge-table.ts";

const LINEAR_LIMIT = 64;
const NO_RANK = 0x7fffffff;
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
  private readonly places = new Int32Array(LINEAR_LIMIT + 1);
  private readonly table: MergeTable;
  private readonly byteTokens: Int32Array;
  /** Place of the merge of each pair of bytes, by first × 256 + second. */
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
    for (let index = 0; index + 1 < count; index++) this.look(index);
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
    const { ranks, places, bytePairs, table } = this;
    for (let index = 0; index + 1 < length; index++) {
      const pair = ((bytes[start + index] as number) << 8) | (bytes[start + index + 1] as number);
      const place = bytePairs[pair] as number;
      places[index] = place;
      ranks[index] = place === NO_MERGE ? NO_RANK : table.rankAt(place);
    }
    return this.mergeShort(length);
  }

  private look(index: number): void {
    const { symbols, table } = this;
    const place = table.find(symbols[index] as number, symbols[index + 1] as number);
    this.places[index] = place;
    this.ranks[index] = place === NO_MERGE ? NO_RANK : table.rankAt(place);
  }

  private mergeShort(initialCount: number): number {
    const { symbols, ranks, places, table } = this;
    let count = initialCount;
    for (;;) {
      let best = NO_RANK;
      let bestIndex = -1;
      for (let index = 0; index + 1 < count; index++) {
        const rank = ranks[index] as number;
        if (rank < best) {
          best = rank;
          bestIndex = index;
        }
      }
      if (bestIndex < 0) return count;
      symbols[bestIndex] = table.tokenAt(places[bestIndex] as number);
      count--;
      for (let index = bestIndex + 1; index < count; index++) {
        symbols[index] = symbols[index + 1] as number;
        ranks[index] = ranks[index + 1] as number;
        places[index] = places[index + 1] as number;
      }
      if (bestIndex > 0) this.look(bestIndex - 1);
      if (bestIndex + 1 < count) this.look(bestIndex);
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
      const place = table.find(symbols[position] as number, symbols[right] as number);
      if (place !== NO_MERGE) heap.push(table.rankAt(place) * POSITION_LIMIT + position);
    };
    for (let index = 0; index + 1 < count; index++) offer(index);
    while (heap.size > 0) {
      const key = heap.pop();
      const rank = Math.floor(key / POSITION_LIMIT);
      const position = key - rank * POSITION_LIMIT;
      const right = next[position] as number;
      if (right < 0 || symbols[position] === -1) continue;
      // An entry is stale when one of its two symbols has since been merged with another.
      const place = table.find(symbols[position] as number, symbols[right] as number);
      if (place === NO_MERGE || table.rankAt(place) !== rank) continue;
      symbols[position] = table.tokenAt(place);
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
