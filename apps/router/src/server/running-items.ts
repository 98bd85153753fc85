/** Where an item of {@link RunningItems} stands; given back by `add`, wanted by `remove`. */
export interface RunningEntry<TItem> {
  readonly item: TItem;
  /** Position in the list, -1 once removed. The list's own. */
  index: number;
}

/**
 * What is running now, for everything that comes and goes with every request. A `Set` would do, but each time V8 rehashes
 * one, the old table keeps a pointer to the new one: once an old table has been promoted, what came after it survives young
 * collections until the next full one.
 */
export class RunningItems<TItem> implements Iterable<TItem> {
  readonly #entries: RunningEntry<TItem>[] = [];

  /** Number of items. */
  get size(): number {
    return this.#entries.length;
  }

  /** Adds an item; the entry is what removes it. */
  add(item: TItem): RunningEntry<TItem> {
    const entry = { item, index: this.#entries.length };
    this.#entries.push(entry);
    return entry;
  }

  /** Removes what `add` added; a second call does nothing. */
  remove(entry: RunningEntry<TItem>): void {
    const { index } = entry;
    if (index < 0) {
      return;
    }
    entry.index = -1;
    const last = this.#entries.pop();
    if (last !== undefined && last !== entry) {
      this.#entries[index] = last;
      last.index = index;
    }
  }

  /** The items of this instant, in no particular order: they may be removed meanwhile. */
  *[Symbol.iterator](): IterableIterator<TItem> {
    // A copy: whoever walks may remove.
    const entries = this.#entries.slice();
    for (const { item, index } of entries) {
      if (index >= 0) {
        yield item;
      }
    }
  }

  /** Removes all. */
  clear(): void {
    for (const entry of this.#entries) {
      entry.index = -1;
    }
    this.#entries.length = 0;
  }
}
