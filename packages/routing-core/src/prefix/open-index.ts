/**
 * Finds small integers (positions in somebody else's records) by a 32-bit hash. Open addressing with linear probing over
 * two typed arrays; a removal closes its gap, so there are no tombstones and nothing ever needs to be rebuilt. The owner
 * compares keys: walk `start` → `at` → `next` until `at` is -1.
 */
export class OpenIndex {
  readonly #positions: Int32Array;
  readonly #hashes: Int32Array;
  readonly #mask: number;

  /** Room for `capacity` positions, at most half full. */
  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * capacity)));
    this.#positions = new Int32Array(size);
    this.#hashes = new Int32Array(size);
    this.#mask = size - 1;
  }

  /** Memory of an index of such a capacity. */
  static sizeBytes(capacity: number): number {
    return 8 * 2 ** Math.ceil(Math.log2(Math.max(2, 2 * capacity)));
  }

  /** Where the search for a hash begins. */
  start(hash: number): number {
    return hash & this.#mask;
  }

  /** Where it goes on. */
  next(cell: number): number {
    return (cell + 1) & this.#mask;
  }

  /** The position in a cell; -1 ends the search. */
  at(cell: number): number {
    return this.#positions[cell]! - 1;
  }

  /** Adds a position; the caller knows that there is room and that it is not there yet. */
  add(hash: number, position: number): void {
    let cell = hash & this.#mask;
    while (this.#positions[cell] !== 0) {
      cell = (cell + 1) & this.#mask;
    }
    this.#positions[cell] = position + 1;
    this.#hashes[cell] = hash;
  }

  /** Removes a position that was added under this hash. */
  remove(hash: number, position: number): void {
    let gap = hash & this.#mask;
    while (this.#positions[gap] !== position + 1) {
      if (this.#positions[gap] === 0) {
        return;
      }
      gap = (gap + 1) & this.#mask;
    }
    for (let cell = (gap + 1) & this.#mask; this.#positions[cell] !== 0; cell = (cell + 1) & this.#mask) {
      const home = this.#hashes[cell]! & this.#mask;
      // It may move into the gap unless its home lies cyclically after the gap.
      if (((cell - home) & this.#mask) >= ((cell - gap) & this.#mask)) {
        this.#positions[gap] = this.#positions[cell]!;
        this.#hashes[gap] = this.#hashes[cell]!;
        gap = cell;
      }
    }
    this.#positions[gap] = 0;
  }

  clear(): void {
    this.#positions.fill(0);
  }
}
