import { RoutingError } from "../routing-error.ts";

/**
 * A bounded queue of records, each some 32-bit words, from one writing thread to one reading thread, without locks. A record
 * that finds no room is dropped and counted: what travels here may be missed, and nobody waits for it.
 */
export interface RingWriter {
  /** Begins a record of exactly so many words; false, and nothing is to be put, when there is no room. */
  begin(words: number): boolean;
  /** The next word of the record. */
  put(word: number): void;
  /** The next words of the record: the first `count` of an array. */
  putAll(words: Int32Array, count: number): void;
  /** Hands the record over. True when the reader rests and wants to be woken, told once per rest. */
  end(): boolean;
  /** Records that found no room. */
  readonly dropped: number;
}

/** The other end of a {@link RingWriter}'s ring. */
export interface RingReader {
  /** Takes the oldest record into the array. @returns its number of words, or -1 when there is none */
  read(into: Int32Array): number;
  /** Asks to be woken by the next record; false when there is one already. */
  rest(): boolean;
  /** Longest record there can be. */
  readonly longest: number;
  readonly dropped: number;
}

/** The two ends; each thread uses one of them. */
export interface Ring extends RingWriter, RingReader {}

const HEAD = 0;
const TAIL = 16;
const DROPPED = 32;
const RESTING = 48;
// Each on a cache line of its own.
const CONTROL_WORDS = 64;

/** Bytes of the buffer of a ring that holds `words` words, its records' lengths included: a power of two. */
export function ringBufferSizeBytes(words: number): number {
  return (CONTROL_WORDS + words) * Int32Array.BYTES_PER_ELEMENT;
}

/** Attaches to a ring. A buffer of zeros is an empty one. @throws RoutingError `invalid_parameter` for a size that is none */
export function attachRing(buffer: ArrayBufferLike): Ring {
  return new WordRing(buffer);
}

class WordRing implements Ring {
  readonly #words: Int32Array;
  readonly #capacity: number;
  readonly #mask: number;
  /** Where the writer is inside an unfinished record. */
  #at = 0;

  constructor(buffer: ArrayBufferLike) {
    this.#words = new Int32Array(buffer);
    this.#capacity = this.#words.length - CONTROL_WORDS;
    this.#mask = this.#capacity - 1;
    if (this.#capacity < 2 || (this.#capacity & this.#mask) !== 0) {
      throw new RoutingError("invalid_parameter", `a ring of ${this.#capacity} words is no power of two`);
    }
  }

  get longest(): number {
    return this.#capacity - 1;
  }

  get dropped(): number {
    return Atomics.load(this.#words, DROPPED);
  }

  begin(words: number): boolean {
    const head = Atomics.load(this.#words, HEAD);
    const used = (head - Atomics.load(this.#words, TAIL)) >>> 0;
    if (words + 1 > this.#capacity - used) {
      Atomics.add(this.#words, DROPPED, 1);
      return false;
    }
    this.#at = head;
    this.put(words);
    return true;
  }

  put(word: number): void {
    this.#words[CONTROL_WORDS + (this.#at & this.#mask)] = word;
    this.#at = (this.#at + 1) | 0;
  }

  putAll(words: Int32Array, count: number): void {
    const start = this.#at & this.#mask;
    const first = Math.min(count, this.#capacity - start);
    this.#words.set(words.subarray(0, first), CONTROL_WORDS + start);
    if (first < count) {
      this.#words.set(words.subarray(first, count), CONTROL_WORDS);
    }
    this.#at = (this.#at + count) | 0;
  }

  end(): boolean {
    Atomics.store(this.#words, HEAD, this.#at);
    return Atomics.load(this.#words, RESTING) === 1 && Atomics.exchange(this.#words, RESTING, 0) === 1;
  }

  read(into: Int32Array): number {
    const tail = Atomics.load(this.#words, TAIL);
    if (Atomics.load(this.#words, HEAD) === tail) {
      return -1;
    }
    const count = this.#words[CONTROL_WORDS + (tail & this.#mask)]!;
    const start = (tail + 1) & this.#mask;
    const first = Math.min(count, this.#capacity - start);
    into.set(this.#words.subarray(CONTROL_WORDS + start, CONTROL_WORDS + start + first));
    if (first < count) {
      into.set(this.#words.subarray(CONTROL_WORDS, CONTROL_WORDS + count - first), first);
    }
    Atomics.store(this.#words, TAIL, (tail + 1 + count) | 0);
    return count;
  }

  rest(): boolean {
    Atomics.store(this.#words, RESTING, 1);
    if (Atomics.load(this.#words, HEAD) === Atomics.load(this.#words, TAIL)) {
      return true;
    }
    Atomics.store(this.#words, RESTING, 0);
    return false;
  }
}
