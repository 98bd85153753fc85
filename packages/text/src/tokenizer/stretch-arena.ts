/** How large an arena is, in numbers of four bytes. */
export interface ArenaShape {
  /** Numbers of a slab, which also bounds an entry. */
  readonly slab: number;
  /** Slabs for what was met once. */
  readonly once: number;
  /** Slabs for what came again. */
  readonly again: number;
}

/** 16 MiB, which the operating system gives as they are written to. */
export const ARENA_SHAPE: ArenaShape = { slab: 1 << 18, once: 6, again: 10 };

/** Where an entry has its hash, and how many numbers it takes altogether: by them a slab is walked through. */
export const ENTRY_HASH = 0;
export const ENTRY_SIZE = 1;

/** A ring of slabs; entries are put one behind the other into the current one. */
interface Ring {
  readonly first: number;
  readonly count: number;
  current: number;
}

/**
 * Memory for entries of any size in one block that the garbage collector never looks into. Two rings of slabs: what was met once cannot push out
 * what came again. The slab whose turn it is forgets its entries, all at once.
 */
export class StretchArena {
  /** The entries. */
  readonly ints: Int32Array<ArrayBuffer>;
  /** The same memory. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #slab: number;
  /** Numbers used of each slab. */
  readonly #used: Int32Array;
  readonly #once: Ring;
  readonly #again: Ring;
  readonly #forget: (hash: number, place: number) => void;

  /** @param forget Is told each entry that goes. */
  constructor(
    forget: (hash: number, place: number) => void,
    { slab, once, again }: ArenaShape = ARENA_SHAPE,
  ) {
    this.ints = new Int32Array(slab * (once + again));
    this.bytes = new Uint8Array(this.ints.buffer);
    this.#slab = slab;
    this.#used = new Int32Array(once + again);
    this.#once = { first: 0, count: once, current: 0 };
    this.#again = { first: once, count: again, current: once };
    this.#forget = forget;
  }

  /** Whether an entry of so many numbers can be held at all. */
  holds(size: number): boolean {
    return size <= this.#slab;
  }

  /** Makes room for an entry, which the caller writes; returns its place. What is forgotten for it can be read until then. */
  reserve(size: number, isAgain: boolean): number {
    const ring = isAgain ? this.#again : this.#once;
    if ((this.#used[ring.current] as number) + size > this.#slab) this.#turn(ring);
    const place = ring.current * this.#slab + (this.#used[ring.current] as number);
    this.#used[ring.current] = (this.#used[ring.current] as number) + size;
    return place;
  }

  /** Whether an entry that is met again should be made anew, for what came again: it was met once, or half of those slabs are younger. */
  isAging(place: number): boolean {
    const slab = Math.floor(place / this.#slab);
    const { first, count, current } = this.#again;
    return slab < first || (current - slab + count) % count >= count / 2;
  }

  #turn(ring: Ring): void {
    ring.current = ring.current + 1 === ring.first + ring.count ? ring.first : ring.current + 1;
    const start = ring.current * this.#slab;
    const end = start + (this.#used[ring.current] as number);
    this.#used[ring.current] = 0;
    for (let place = start; place < end; place += this.ints[place + ENTRY_SIZE] as number) {
      this.#forget(this.ints[place + ENTRY_HASH] as number, place);
    }
  }
}
