import type { DecisionInput } from "../decision/decision-input.ts";
import type { WorkerSlot } from "../snapshot.ts";
import { hashPair, hashString } from "./key-hash.ts";
import { BOUND_ELSEWHERE, type Sessions, UNBOUND } from "./session-table.ts";

/** Bounds of a {@link SharedSessionTable}. */
export interface SharedSessionBounds {
  readonly capacity: number;
  readonly ttlMs: number;
  /** Slots there are. */
  readonly slotCapacity: number;
}

const LOCK = 0;
const SIZE = 1;
const HAND = 2;
const HEADER_WORDS = 16;
/** Key low, key high, slot + 1 (0 for a free entry), hash of the worker, instant of the last use (two words), two spare. */
const ENTRY_WORDS = 8;
const KEY_HIGH = 1;
const SLOT = 2;
const WORKER = 3;
/** Of an entry's 64-bit words the one with the instant. */
const LAST_USE = 2;
/** Entries a session can lie in; the least recently used of them gives way. */
const WAYS = 8;
const SWEPT_PER_BINDING = 2;
const WORKER_SEED = 0x776b7372;
/** Tries before the thread that holds the lock is given time, and before it is taken for dead. */
const SPINS = 200;
const WAITS = 100;

/** Bytes of a table's buffer. */
export function sharedSessionsSizeBytes({
  capacity,
  slotCapacity,
}: Omit<SharedSessionBounds, "ttlMs">): number {
  return 4 * (countWords(slotCapacity) + HEADER_WORDS + ENTRY_WORDS * entriesOf(capacity));
}

/**
 * Which session runs where, for several threads: the same table as `SessionTable` over a SharedArrayBuffer, with a lock that is
 * held for some hundred nanoseconds. A thread that dies inside loses it after a tenth of a second. Sessions lie in groups of
 * eight, so what gives way where there is no room is the least recently used of eight.
 */
export class SharedSessionTable implements Sessions {
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  readonly #ttlMs: number;
  readonly #entriesStart: number;
  readonly #ways: number;
  readonly #groups: number;

  /** @param buffer of `sharedSessionsSizeBytes`; zeros are an empty table */
  constructor(buffer: ArrayBufferLike, bounds: SharedSessionBounds) {
    this.#words = new Int32Array(buffer);
    this.#times = new Float64Array(buffer);
    this.#ttlMs = bounds.ttlMs;
    this.#entriesStart = HEADER_WORDS + countWords(bounds.slotCapacity);
    this.#ways = Math.min(WAYS, bounds.capacity);
    this.#groups = Math.floor(bounds.capacity / this.#ways);
  }

  get size(): number {
    return Atomics.load(this.#words, SIZE);
  }

  countOf(slot: WorkerSlot): number {
    return Atomics.load(this.#words, HEADER_WORDS + slot);
  }

  candidateOf(key: number | undefined, input: DecisionInput): number {
    if (key === undefined) {
      return UNBOUND;
    }
    this.#lock();
    const entry = this.#find(key);
    const isBound = entry >= 0 && !this.#isExpired(entry, input.atMs);
    const slot = isBound ? this.#words[entry + SLOT]! - 1 : -1;
    const worker = isBound ? this.#words[entry + WORKER]! : 0;
    this.#unlock();
    if (!isBound) {
      return UNBOUND;
    }
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      // A slot may have another worker by now.
      if (input.slots[candidate] === slot && hashOf(input.workers[candidate]!) === worker) {
        return candidate;
      }
    }
    return BOUND_ELSEWHERE;
  }

  bind(key: number, input: DecisionInput, candidate: number): void {
    const slot = input.slots[candidate]!;
    this.#lock();
    let entry = this.#find(key);
    if (entry >= 0) {
      this.#free(entry);
    }
    this.#sweep(input.atMs);
    entry = this.#place(key);
    this.#words[entry] = lowOf(key);
    this.#words[entry + KEY_HIGH] = highOf(key);
    this.#words[entry + SLOT] = slot + 1;
    this.#words[entry + WORKER] = hashOf(input.workers[candidate]!);
    this.#times[entry / 2 + LAST_USE] = input.atMs;
    this.#words[SIZE]! += 1;
    this.#words[HEADER_WORDS + slot]! += 1;
    this.#unlock();
  }

  #find(key: number): number {
    const low = lowOf(key);
    const high = highOf(key);
    const first = this.#first(key);
    for (let way = 0; way < this.#ways; way += 1) {
      const entry = first + way * ENTRY_WORDS;
      const isIt = this.#words[entry] === low && this.#words[entry + KEY_HIGH] === high;
      if (isIt && this.#words[entry + SLOT] !== 0) {
        return entry;
      }
    }
    return -1;
  }

  /** A free entry for the session, after the least recently used has given way where there was none. */
  #place(key: number): number {
    const first = this.#first(key);
    let victim = first;
    for (let way = 0; way < this.#ways; way += 1) {
      const entry = first + way * ENTRY_WORDS;
      if (this.#words[entry + SLOT] === 0) {
        return entry;
      }
      if (this.#times[entry / 2 + LAST_USE]! < this.#times[victim / 2 + LAST_USE]!) {
        victim = entry;
      }
    }
    this.#free(victim);
    return victim;
  }

  /** Looks at the next entries in turn, and forgets sessions whose time is over. */
  #sweep(nowMs: number): void {
    for (let swept = 0; swept < SWEPT_PER_BINDING; swept += 1) {
      const hand = this.#words[HAND]! % (this.#groups * this.#ways);
      this.#words[HAND] = hand + 1;
      const entry = this.#entriesStart + hand * ENTRY_WORDS;
      if (this.#words[entry + SLOT] !== 0 && this.#isExpired(entry, nowMs)) {
        this.#free(entry);
      }
    }
  }

  #free(entry: number): void {
    const count = HEADER_WORDS + this.#words[entry + SLOT]! - 1;
    this.#words[count] = Math.max(0, this.#words[count]! - 1);
    this.#words[SIZE] = Math.max(0, this.#words[SIZE]! - 1);
    this.#words[entry + SLOT] = 0;
  }

  #isExpired(entry: number, nowMs: number): boolean {
    return nowMs - this.#times[entry / 2 + LAST_USE]! > this.#ttlMs;
  }

  #first(key: number): number {
    const group = hashPair(lowOf(key), highOf(key)) % this.#groups;
    return this.#entriesStart + group * this.#ways * ENTRY_WORDS;
  }

  #lock(): void {
    const words = this.#words;
    for (let spin = 0; spin < SPINS; spin += 1) {
      if (Atomics.compareExchange(words, LOCK, 0, 1) === 0) {
        return;
      }
    }
    for (let wait = 0; wait < WAITS; wait += 1) {
      Atomics.wait(words, LOCK, 1, 1);
      if (Atomics.compareExchange(words, LOCK, 0, 1) === 0) {
        return;
      }
    }
    // Whoever had it is gone: nobody else takes that long.
  }

  #unlock(): void {
    Atomics.store(this.#words, LOCK, 0);
    Atomics.notify(this.#words, LOCK, 1);
  }
}

function entriesOf(capacity: number): number {
  const ways = Math.min(WAYS, capacity);
  return ways * Math.floor(capacity / ways);
}

/** An even number: entries hold 64-bit words. */
function countWords(slotCapacity: number): number {
  return slotCapacity + (slotCapacity & 1);
}

function lowOf(key: number): number {
  return key | 0;
}

function highOf(key: number): number {
  return Math.floor(key / 2 ** 32) | 0;
}

function hashOf(worker: string): number {
  return hashString(worker, WORKER_SEED) | 0;
}
