import { FREE_ROWS, type PrefixTableLayout, TOUCHED_ROWS } from "./prefix-table-layout.ts";

/** A fixed pool of bit sets over slots, for blocks that more slots hold than fit into a table entry. */
export class SharedRows {
  readonly #table: Int32Array;
  readonly #layout: PrefixTableLayout;

  constructor(table: Int32Array, layout: PrefixTableLayout) {
    this.#table = table;
    this.#layout = layout;
  }

  /** Puts every row on the stack of free ones. */
  initialise(): void {
    for (let row = 0; row < this.#layout.rowCount; row += 1) {
      this.#table[this.#layout.freeRowsStart + row] = this.#layout.rowCount - 1 - row;
    }
    this.#table[FREE_ROWS] = this.#layout.rowCount;
  }

  get used(): number {
    return this.#layout.rowCount - this.#table[FREE_ROWS]!;
  }

  /** First word of a row. */
  start(row: number): number {
    return this.#layout.rowsStart + row * this.#layout.setWords;
  }

  /** An empty row, or -1 when none is left. */
  take(): number {
    const free = this.#table[FREE_ROWS]!;
    if (free === 0) {
      return -1;
    }
    this.#table[FREE_ROWS] = free - 1;
    const row = this.#table[this.#layout.freeRowsStart + free - 1]!;
    this.#table[TOUCHED_ROWS] = Math.max(this.#table[TOUCHED_ROWS]!, row + 1);
    const start = this.start(row);
    this.#table.fill(0, start, start + this.#layout.setWords);
    return row;
  }

  giveBack(row: number): void {
    const free = this.#table[FREE_ROWS]!;
    this.#table[this.#layout.freeRowsStart + free] = row;
    this.#table[FREE_ROWS] = free + 1;
  }

  has(row: number, slot: number): boolean {
    return (this.#table[this.start(row) + (slot >>> 5)]! & (1 << (slot & 31))) !== 0;
  }

  add(row: number, slot: number): void {
    this.#table[this.start(row) + (slot >>> 5)]! |= 1 << (slot & 31);
  }

  remove(row: number, slot: number): void {
    this.#table[this.start(row) + (slot >>> 5)]! &= ~(1 << (slot & 31));
  }

  /** Takes the slot out of every row. Low rows are handed out first, so few have ever been touched. */
  removeEverywhere(slot: number): void {
    const mask = ~(1 << (slot & 31));
    const { rowsStart, setWords } = this.#layout;
    const touched = this.#table[TOUCHED_ROWS]!;
    let word = rowsStart + (slot >>> 5);
    for (let row = 0; row < touched; row += 1, word += setWords) {
      this.#table[word]! &= mask;
    }
  }

  size(row: number): number {
    let size = 0;
    const start = this.start(row);
    for (let word = start; word < start + this.#layout.setWords; word += 1) {
      for (let bits = this.#table[word]!; bits !== 0; bits &= bits - 1) {
        size += 1;
      }
    }
    return size;
  }
}
