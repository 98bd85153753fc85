/** Cuts kept at most. */
const MOST_CUTS = 4096;

/**
 * Places in a text behind which encoding goes on as if nothing stood before them, each with the number of ids up to there. Where there are very many,
 * every other one of those far back is left out.
 */
export class TextCuts {
  #count = 0;
  #units = new Int32Array(64);
  #ids = new Int32Array(64);

  /** Number of cuts held. */
  get count(): number {
    return this.#count;
  }

  /** Forgets all cuts. */
  clear(): void {
    this.#count = 0;
  }

  /** Adds the next cut. */
  add(units: number, ids: number): void {
    if (this.#count === this.#units.length) this.#makeRoom();
    this.#units[this.#count] = units;
    this.#ids[this.#count] = ids;
    this.#count++;
  }

  /** Place of a cut, in code units. */
  unitsAt(cut: number): number {
    return this.#units[cut] as number;
  }

  /** Number of ids up to a cut. */
  idsAt(cut: number): number {
    return this.#ids[cut] as number;
  }

  #makeRoom(): void {
    if (this.#count < MOST_CUTS) {
      this.#units = doubled(this.#units);
      this.#ids = doubled(this.#ids);
      return;
    }
    thin(this.#units);
    thin(this.#ids);
    this.#count -= MOST_CUTS >> 2;
  }
}

function doubled(list: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(list.length * 2);
  larger.set(list);
  return larger;
}

/** Leaves out every other one of the first half. */
function thin(list: Int32Array): void {
  const half = list.length >> 1;
  for (let index = 0; index < half >> 1; index++) list[index] = list[2 * index + 1] as number;
  list.copyWithin(half >> 1, half);
}
