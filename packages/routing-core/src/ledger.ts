import { RoutingError } from "./routing-error.ts";
import type { WorkerSlot } from "./snapshot.ts";

/**
 * Who has how much in flight at this instant, per slot. The counters live in one buffer; over a SharedArrayBuffer
 * several threads book into the same ledger, each through its own `Ledger` object and into counters of its own, which
 * readers add up: what a thread had in flight when it died can be told from what the others have.
 */
export interface Ledger {
  readonly slotCapacity: number;
  /** Pass it to `createLedger` in another thread. Shared only when it was created so. */
  readonly buffer: ArrayBufferLike;
  /** Generations in flight. */
  requests(slot: WorkerSlot): number;
  /** Prompt tokens still to be computed by the engine: promised and without a first output yet. */
  prefillTokens(slot: WorkerSlot): number;
  /** Tokens of the sequences being decoded: their prompts and what they have produced. */
  decodeTokens(slot: WorkerSlot): number;
  /** True when all three counters of the slot are zero. */
  isIdle(slot: WorkerSlot): boolean;
  /** Writes the three counters of the first `count` of `slots` into the columns. */
  readInto(columns: LedgerColumns, slots: Int32Array, count: number): void;
  /** Books one generation and returns the handle that unbooks it. */
  acquire(slot: WorkerSlot, booking: LedgerBooking): LedgerEntry;
  /** Generations in flight over all slots. */
  totalRequests(): number;
  /** Takes back whatever a thread has booked. Only for one that is gone and books nothing any more. */
  forgetThread(thread: number): void;
  /** How often an entry of this object was released again after its release: always a caller's bug, never booked. */
  readonly doubleReleases: number;
}

/** Where {@link Ledger.readInto} writes; element i is about the i-th slot asked for. */
export interface LedgerColumns {
  readonly inFlightRequests: Int32Array;
  readonly prefillTokens: Int32Array;
  readonly decodeTokens: Int32Array;
}

/** What one generation adds to a slot. */
export interface LedgerBooking {
  /** Prompt tokens the engine must compute (the prompt less what its cache is believed to hold). */
  readonly prefillTokens: number;
  /** Whole prompt length; becomes decode tokens at the first output. */
  readonly promptTokens: number;
}

/** One booked generation. */
export interface LedgerEntry {
  readonly slot: WorkerSlot;
  readonly isReleased: boolean;
  /** The prompt has been computed: moves the booking from prefill to decode. Later calls do nothing. */
  firstOutput(): void;
  /** Adds generated tokens to the decode tokens. Ignored before `firstOutput` and after `release`. */
  addOutput(tokens: number): void;
  /** Takes everything back. Returns false, and counts a double release, when that has happened before. */
  release(): boolean;
}

/** Options of {@link createLedger}. */
export interface LedgerOptions {
  /** Number of slots; at least 1. */
  readonly slotCapacity: number;
  /** Counters of an existing ledger to attach to. A new plain buffer is made when missing. */
  readonly buffer?: ArrayBufferLike;
  /** Threads that have counters of their own. Default 1. */
  readonly threads?: number;
  /** Whose counters this object books into. Default 0. */
  readonly thread?: number;
}

const REQUESTS = 0;
const PREFILL = 1;
const DECODE = 2;
// One cache line per slot, so that threads booking on different workers do not slow each other down.
const WORDS_PER_SLOT = 16;

/** Size of a ledger's buffer, for callers that allocate a SharedArrayBuffer themselves. */
export function ledgerBufferSizeBytes(slotCapacity: number, threads = 1): number {
  return threads * slotCapacity * WORDS_PER_SLOT * Int32Array.BYTES_PER_ELEMENT;
}

/** Creates a ledger over a new buffer, or attaches to the given one. Throws when the buffer is too small. */
export function createLedger(options: LedgerOptions): Ledger {
  return new CounterLedger(options);
}

class CounterLedger implements Ledger {
  readonly slotCapacity: number;
  readonly buffer: ArrayBufferLike;
  doubleReleases = 0;
  readonly #counters: Int32Array;
  readonly #isShared: boolean;
  /** Words of one thread's counters. */
  readonly #stride: number;
  /** First word of the own counters. */
  readonly #own: number;
  /** Word after the last thread's. */
  readonly #end: number;

  constructor({ slotCapacity, buffer, threads = 1, thread = 0 }: LedgerOptions) {
    const neededBytes = ledgerBufferSizeBytes(slotCapacity, threads);
    if (!(thread >= 0 && thread < threads)) {
      throw new RoutingError("invalid_parameter", `thread ${thread} is none of the ledger's ${threads}`);
    }
    this.slotCapacity = slotCapacity;
    this.#stride = slotCapacity * WORDS_PER_SLOT;
    this.#own = thread * this.#stride;
    this.#end = threads * this.#stride;
    this.buffer = buffer ?? new ArrayBuffer(neededBytes);
    if (this.buffer.byteLength < neededBytes) {
      throw new RoutingError(
        "invalid_parameter",
        `ledger buffer has ${this.buffer.byteLength} bytes, ${slotCapacity} slots need ${neededBytes}`,
      );
    }
    this.#counters = new Int32Array(this.buffer);
    this.#isShared = typeof SharedArrayBuffer !== "undefined" && this.buffer instanceof SharedArrayBuffer;
  }

  requests(slot: WorkerSlot): number {
    return this.#read(slot, REQUESTS);
  }

  prefillTokens(slot: WorkerSlot): number {
    return this.#read(slot, PREFILL);
  }

  decodeTokens(slot: WorkerSlot): number {
    return this.#read(slot, DECODE);
  }

  isIdle(slot: WorkerSlot): boolean {
    return (
      this.#read(slot, REQUESTS) === 0 && this.#read(slot, PREFILL) === 0 && this.#read(slot, DECODE) === 0
    );
  }

  totalRequests(): number {
    let total = 0;
    for (let slot = 0; slot < this.slotCapacity; slot += 1) {
      total += this.#read(slot, REQUESTS);
    }
    return total;
  }

  forgetThread(thread: number): void {
    if (!(thread >= 0 && thread * this.#stride < this.#end)) {
      throw new RoutingError("invalid_parameter", `the ledger has no thread ${thread}`);
    }
    for (let word = thread * this.#stride; word < (thread + 1) * this.#stride; word += 1) {
      Atomics.store(this.#counters, word, 0);
    }
  }

  readInto(columns: LedgerColumns, slots: Int32Array, count: number): void {
    const { inFlightRequests, prefillTokens, decodeTokens } = columns;
    if (this.#isShared || this.#end !== this.#stride) {
      for (let index = 0; index < count; index += 1) {
        inFlightRequests[index] = this.#read(slots[index]!, REQUESTS);
        prefillTokens[index] = this.#read(slots[index]!, PREFILL);
        decodeTokens[index] = this.#read(slots[index]!, DECODE);
      }
      return;
    }
    const counters = this.#counters;
    for (let index = 0; index < count; index += 1) {
      const start = slots[index]! * WORDS_PER_SLOT;
      inFlightRequests[index] = counters[start + REQUESTS]!;
      prefillTokens[index] = counters[start + PREFILL]!;
      decodeTokens[index] = counters[start + DECODE]!;
    }
  }

  acquire(slot: WorkerSlot, booking: LedgerBooking): LedgerEntry {
    if (!(slot >= 0 && slot < this.slotCapacity)) {
      throw new RoutingError(
        "invalid_parameter",
        `slot ${slot} is outside the ledger's ${this.slotCapacity}`,
      );
    }
    return new BookedEntry(this, slot, booking);
  }

  /** For this module's entries only. */
  add(slot: WorkerSlot, column: number, amount: number): void {
    const position = this.#own + slot * WORDS_PER_SLOT + column;
    if (this.#isShared) {
      Atomics.add(this.#counters, position, amount);
    } else {
      this.#counters[position]! += amount;
    }
  }

  #read(slot: WorkerSlot, column: number): number {
    let position = slot * WORDS_PER_SLOT + column;
    if (!this.#isShared && this.#end === this.#stride) {
      return this.#counters[position] ?? 0;
    }
    let sum = 0;
    for (; position < this.#end; position += this.#stride) {
      sum += Atomics.load(this.#counters, position);
    }
    return sum;
  }
}

class BookedEntry implements LedgerEntry {
  readonly slot: WorkerSlot;
  isReleased = false;
  readonly #ledger: CounterLedger;
  readonly #promptTokens: number;
  #prefillTokens: number;
  #decodeTokens = 0;
  #isDecoding = false;

  constructor(ledger: CounterLedger, slot: WorkerSlot, booking: LedgerBooking) {
    this.#ledger = ledger;
    this.slot = slot;
    // Whole numbers only: the same amounts must leave the counters that entered them.
    this.#promptTokens = Math.max(0, Math.trunc(booking.promptTokens));
    this.#prefillTokens = Math.max(0, Math.trunc(booking.prefillTokens));
    ledger.add(slot, REQUESTS, 1);
    ledger.add(slot, PREFILL, this.#prefillTokens);
  }

  firstOutput(): void {
    if (this.#isDecoding || this.isReleased) {
      return;
    }
    this.#isDecoding = true;
    this.#ledger.add(this.slot, PREFILL, -this.#prefillTokens);
    this.#prefillTokens = 0;
    this.#decodeTokens = this.#promptTokens;
    this.#ledger.add(this.slot, DECODE, this.#decodeTokens);
  }

  addOutput(tokens: number): void {
    if (!this.#isDecoding || this.isReleased) {
      return;
    }
    const whole = Math.trunc(tokens);
    this.#decodeTokens += whole;
    this.#ledger.add(this.slot, DECODE, whole);
  }

  release(): boolean {
    if (this.isReleased) {
      this.#ledger.doubleReleases += 1;
      return false;
    }
    this.isReleased = true;
    this.#ledger.add(this.slot, REQUESTS, -1);
    this.#ledger.add(this.slot, PREFILL, -this.#prefillTokens);
    this.#ledger.add(this.slot, DECODE, -this.#decodeTokens);
    return true;
  }
}
