/** Something that belongs to a stream. */
export interface OnStream {
  readonly streamId: number;
}

const FIRST_SLOTS = 256;

/**
 * The open streams of a connection by their ids. Ids of a client are odd and ascending, so a slot per id, used again by
 * later ones, finds most at once; those whose slot is taken are kept aside.
 *
 * Not a Map alone: V8 replaces the table of a Map when it is full of holes, and an old table that has survived one major
 * collection points to the next one, that to the one after, and so on, so that every call which ever was in any of them
 * lives until the next major collection. That made minor collections a hundred times slower.
 */
export class StreamTable<TStream extends OnStream> {
  #slots: (TStream | undefined)[] = emptySlots(FIRST_SLOTS);
  /** Streams whose slot was taken when they were opened. */
  #others = new Map<number, TStream>();
  #size = 0;

  /** Open streams. */
  get size(): number {
    return this.#size;
  }

  get(streamId: number): TStream | undefined {
    const stream = this.#slots[this.#slotOf(streamId)];
    if (stream !== undefined && stream.streamId === streamId) return stream;
    return this.#others.size === 0 ? undefined : this.#others.get(streamId);
  }

  /** Adds a stream that is not there yet. */
  add(stream: TStream): void {
    this.#size++;
    if (this.#size * 2 > this.#slots.length) this.#grow();
    this.#put(stream);
  }

  /** @returns false when there is no such stream */
  delete(streamId: number): boolean {
    const slot = this.#slotOf(streamId);
    const isInSlot = this.#slots[slot]?.streamId === streamId;
    if (isInSlot) this.#slots[slot] = undefined;
    else if (!this.#others.delete(streamId)) return false;
    this.#size--;
    return true;
  }

  /** All open streams, in no order. */
  all(): TStream[] {
    const found = this.#slots.filter((stream) => stream !== undefined);
    found.push(...this.#others.values());
    return found;
  }

  clear(): void {
    this.#slots = emptySlots(FIRST_SLOTS);
    this.#others = new Map();
    this.#size = 0;
  }

  #slotOf(streamId: number): number {
    return (streamId >>> 1) & (this.#slots.length - 1);
  }

  #put(stream: TStream): void {
    const slot = this.#slotOf(stream.streamId);
    if (this.#slots[slot] === undefined) this.#slots[slot] = stream;
    else this.#others.set(stream.streamId, stream);
  }

  #grow(): void {
    const streams = this.all();
    this.#slots = emptySlots(this.#slots.length * 2);
    this.#others = new Map();
    for (const stream of streams) this.#put(stream);
  }
}

function emptySlots<TStream>(count: number): (TStream | undefined)[] {
  return Array.from({ length: count }, () => undefined);
}
