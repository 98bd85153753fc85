import { type PrefixTableLayout, SLOT_WORDS, TICK, WINDOW_CHECKPOINTS } from "./prefix-table-layout.ts";

const EXPIRY = 0;
const CAPACITY = 1;
const SINCE_CHECKPOINT = 2;
const POSITION = 3;
const CHECKPOINTS = 4;

/**
 * Decides which of a slot's blocks have surely been evicted by its engine. An engine of capacity C that evicts least
 * recently used blocks has lost a block for certain once C other blocks have been brought in since its last use. So each
 * slot remembers the stamp (insertion tick) at up to 64 checkpoints of C/64 new blocks each, and what was last used before
 * the oldest of them has expired. That costs nothing per block, and clearing a slot is one assignment.
 */
export class SlotWindows {
  readonly #table: Int32Array;
  readonly #slotsStart: number;

  constructor(table: Int32Array, layout: PrefixTableLayout) {
    this.#table = table;
    this.#slotsStart = layout.slotsStart;
  }

  /** First valid stamp: a holding with a smaller one counts as gone. */
  expiry(slot: number): number {
    return this.#table[this.#slotsStart + slot * SLOT_WORDS + EXPIRY]!;
  }

  setCapacity(slot: number, blocks: number): void {
    const base = this.#slotsStart + slot * SLOT_WORDS;
    this.#table[base + CAPACITY] = blocks;
    this.#restart(base);
  }

  /** Whether the slot has a capacity at all. */
  isBounded(slot: number): boolean {
    return this.#table[this.#slotsStart + slot * SLOT_WORDS + CAPACITY] !== 0;
  }

  /** Moves the window on after `blocks` new blocks. */
  advance(slot: number, blocks: number): void {
    const table = this.#table;
    const base = this.#slotsStart + slot * SLOT_WORDS;
    const capacity = table[base + CAPACITY]!;
    if (capacity === 0) {
      return;
    }
    const checkpoints = Math.min(WINDOW_CHECKPOINTS, capacity);
    const step = Math.ceil(capacity / checkpoints);
    let since = table[base + SINCE_CHECKPOINT]! + blocks;
    // More than a whole window at once leaves only this insertion valid; no need to go round more than once.
    since = Math.min(since, step * (checkpoints + 1));
    while (since >= step) {
      since -= step;
      const position = (table[base + POSITION]! + 1) % checkpoints;
      table[base + POSITION] = position;
      table[base + EXPIRY] = Math.max(table[base + EXPIRY]!, table[base + CHECKPOINTS + position]!);
      table[base + CHECKPOINTS + position] = table[TICK]!;
    }
    table[base + SINCE_CHECKPOINT] = since;
  }

  /** Lets what was last used before the stamp expire. */
  expire(slot: number, before: number): void {
    const word = this.#slotsStart + slot * SLOT_WORDS + EXPIRY;
    this.#table[word] = Math.max(this.#table[word]!, before);
  }

  /** Lets everything the slot holds expire. */
  clear(slot: number): void {
    const base = this.#slotsStart + slot * SLOT_WORDS;
    this.#table[TICK]! += 1;
    this.#table[base + EXPIRY] = this.#table[TICK]!;
    this.#restart(base);
  }

  /** Moves all stamps of the slot `by` ticks into the past; what was older becomes 0. */
  rebase(slot: number, by: number): void {
    const base = this.#slotsStart + slot * SLOT_WORDS;
    this.#table[base + EXPIRY] = Math.max(1, this.#table[base + EXPIRY]! - by);
    for (let index = 0; index < WINDOW_CHECKPOINTS; index += 1) {
      const word = base + CHECKPOINTS + index;
      this.#table[word] = Math.max(0, this.#table[word]! - by);
    }
  }

  #restart(base: number): void {
    this.#table[base + SINCE_CHECKPOINT] = 0;
    this.#table[base + POSITION] = 0;
    this.#table.fill(0, base + CHECKPOINTS, base + CHECKPOINTS + WINDOW_CHECKPOINTS);
  }
}
