const FIRST_CAPACITY = 64;

/**
 * The calls of a connection by stream id: an open-addressed table that is emptied as it is filled. A `Map` keeps a pointer from
 * every table it has outgrown to the next, which lets all calls of a connection survive young collections once one such table has
 * been promoted.
 */
export class StreamTable<TCall> implements Iterable<TCall> {
  /** Stream ids; 0 is free. */
  #ids = new Int32Array(FIRST_CAPACITY);
  #calls: (TCall | undefined)[] = Array.from({ length: FIRST_CAPACITY });
  #size = 0;

  /** Number of calls. */
  get size(): number {
    return this.#size;
  }

  /** The call of a stream; undefined where there is none. */
  get(id: number): TCall | undefined {
    return this.#calls[this.#find(id)];
  }

  /** Adds a call, or puts it in the place of the one with the same id. `id` is greater than 0. */
  set(id: number, call: TCall): void {
    if (this.#size * 2 >= this.#ids.length) {
      this.#grow();
    }
    const at = this.#find(id);
    if (this.#ids[at] === 0) {
      this.#ids[at] = id;
      this.#size += 1;
    }
    this.#calls[at] = call;
  }

  /** Removes a call. @returns false where there was none */
  delete(id: number): boolean {
    let hole = this.#find(id);
    if (this.#ids[hole] !== id) {
      return false;
    }
    this.#size -= 1;
    const mask = this.#ids.length - 1;
    // Entries behind the hole that could not lie where they belong move up, so that no search ends too early.
    for (let at = (hole + 1) & mask; this.#ids[at] !== 0; at = (at + 1) & mask) {
      const home = this.#home(this.#ids[at]!);
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        this.#ids[hole] = this.#ids[at]!;
        this.#calls[hole] = this.#calls[at];
        hole = at;
      }
    }
    this.#ids[hole] = 0;
    this.#calls[hole] = undefined;
    return true;
  }

  /** Removes all. */
  clear(): void {
    this.#ids.fill(0);
    this.#calls.fill(undefined);
    this.#size = 0;
  }

  /** The ids and calls of this instant: whoever walks may remove. */
  entries(): readonly (readonly [number, TCall])[] {
    const found: (readonly [number, TCall])[] = [];
    this.#calls.forEach((call, at) => {
      if (call !== undefined) {
        found.push([this.#ids[at]!, call]);
      }
    });
    return found;
  }

  /** The calls of this instant. */
  *[Symbol.iterator](): IterableIterator<TCall> {
    for (const [, call] of this.entries()) {
      yield call;
    }
  }

  /** Where an id lies, or where it would. */
  #find(id: number): number {
    const mask = this.#ids.length - 1;
    let at = this.#home(id);
    while (this.#ids[at] !== 0 && this.#ids[at] !== id) {
      at = (at + 1) & mask;
    }
    return at;
  }

  /** Ids of a client are odd and rise, so half of them are the table's first choice of places in turn. */
  #home(id: number): number {
    return (id >> 1) & (this.#ids.length - 1);
  }

  #grow(): void {
    const entries = this.entries();
    this.#ids = new Int32Array(this.#ids.length * 2);
    this.#calls = Array.from({ length: this.#ids.length });
    this.#size = 0;
    for (const [id, call] of entries) {
      this.set(id, call);
    }
  }
}
