/** Something in a {@link RunningList}. */
interface Entry<TItem> {
  readonly item: TItem;
  /** Where it is in the list; -1 when it is not any more. */
  index: number;
}

/**
 * What is running now, in no order, for things that come and go by the thousand a second. Not a Set: V8 replaces the table
 * of a Set when it is full of holes, and an old table that has survived one major collection points to the next one, that
 * to the one after, and so on, so that every request which ever was in any of them lives until the next major collection.
 * That made minor collections a hundred times slower.
 */
export class RunningList<TItem> {
  readonly #entries: Entry<TItem>[] = [];

  /** How many there are. */
  get size(): number {
    return this.#entries.length;
  }

  /** Adds an item. @returns what takes it out again; calling it twice does nothing */
  add(item: TItem): () => void {
    const entry: Entry<TItem> = { item, index: this.#entries.length };
    this.#entries.push(entry);
    return () => this.#remove(entry);
  }

  /** The items at this moment. */
  items(): readonly TItem[] {
    return this.#entries.map((entry) => entry.item);
  }

  #remove(entry: Entry<TItem>): void {
    const { index } = entry;
    if (index < 0) {
      return;
    }
    entry.index = -1;
    const last = this.#entries.pop();
    if (last !== undefined && last !== entry) {
      last.index = index;
      this.#entries[index] = last;
    }
  }
}
