import { RoutingError } from "./routing-error.ts";
import type { WorkerSlot } from "./snapshot.ts";

/** LoRA adapters as one rank of an engine reports them. */
export interface EngineAdapters {
  /** Loaded and in use. */
  readonly running: readonly string[];
  /** Asked for by requests that wait. */
  readonly waiting: readonly string[];
  /** Most adapters loaded at once; 0 when not told. */
  readonly capacity: number;
}

/** Load figures an engine reported about one of its ranks. Old by nature: `observedAtMs` says how old. */
export interface EngineLoad {
  readonly runningRequests: number;
  readonly waitingRequests: number;
  /** Share of the KV cache in use, 0 to 1. */
  readonly kvCacheUsage: number;
  /** Instant of the observation on the injected clock. */
  readonly observedAtMs: number;
  /** Undefined where the engine does not tell. */
  readonly adapters?: EngineAdapters | undefined;
}

/** The slots' latest reports, element i about slot `slots[i]`; written into arrays of the caller's. */
export interface EngineLoadColumns {
  readonly runningRequests: Float64Array;
  readonly waitingRequests: Float64Array;
  readonly kvCacheUsage: Float64Array;
  readonly loadAgeMs: Float64Array;
  readonly foreignRequests: Float64Array;
}

/** What request threads see of a table. */
export interface EngineLoadReader {
  /**
   * Fills the columns for the first `count` of `slots`: NaN figures, an age of Infinity and no foreign requests where
   * nothing has been reported.
   */
  readInto(
    columns: EngineLoadColumns,
    of: { readonly slots: Int32Array; readonly count: number; readonly nowMs: number },
  ): void;
  /** Adapters last reported; undefined where the engine does not tell. */
  adapters(slot: WorkerSlot): EngineAdapters | undefined;
}

/**
 * Latest report of every rank, in one buffer that request threads can read while the fleet's thread writes. Figures come
 * ten times a second from every busy engine: a new snapshot for each would cost in proportion to the square of the fleet.
 */
export interface EngineLoadTable extends EngineLoadReader {
  readonly slotCapacity: number;
  readonly buffer: ArrayBufferLike;
  /**
   * Takes a report in. `ownRequests` is the ledger's count of the slot at this instant: what the engine has beyond it
   * came from somebody else, and is still there when our own have changed.
   */
  report(slot: WorkerSlot, load: EngineLoad, ownRequests: number): void;
  /** Whether anything has been reported. */
  isKnown(slot: WorkerSlot): boolean;
  /** The latest report; undefined where there is none. */
  load(slot: WorkerSlot): EngineLoad | undefined;
  /** Forgets the slot's reports: the engine is another one. */
  clear(slot: WorkerSlot): void;
  /** Takes in what another thread's table told by `adaptersChanged`. */
  setAdapters(slot: WorkerSlot, adapters: EngineAdapters | undefined): void;
}

/** Options of {@link createEngineLoadTable}. */
export interface EngineLoadTableOptions {
  readonly slotCapacity: number;
  /** A table of another thread to attach to; a new plain buffer is made when missing. Adapters stay with their thread. */
  readonly buffer?: ArrayBufferLike;
  /** Hears when the adapters of a slot are others than before: names do not fit into the buffer. */
  readonly adaptersChanged?: ((slot: WorkerSlot, adapters: EngineAdapters | undefined) => void) | undefined;
}

const RUNNING = 0;
const WAITING = 1;
const KV_USAGE = 2;
const OBSERVED_AT = 3;
const FOREIGN = 4;
const IS_KNOWN = 5;
// One cache line per slot.
const WORDS_PER_SLOT = 8;

/** Size of a table's buffer, for callers that allocate a SharedArrayBuffer themselves. */
export function engineLoadTableSizeBytes(slotCapacity: number): number {
  return slotCapacity * WORDS_PER_SLOT * Float64Array.BYTES_PER_ELEMENT;
}

/** Creates a table in which nothing has been reported. @throws RoutingError `invalid_parameter` for a buffer too small */
export function createEngineLoadTable(options: EngineLoadTableOptions): EngineLoadTable {
  return new BufferedLoadTable(options);
}

class BufferedLoadTable implements EngineLoadTable {
  readonly slotCapacity: number;
  readonly buffer: ArrayBufferLike;
  readonly #words: Float64Array;
  readonly #adapters = new Map<WorkerSlot, EngineAdapters>();

  readonly #adaptersChanged: EngineLoadTableOptions["adaptersChanged"];

  constructor({ slotCapacity, buffer, adaptersChanged }: EngineLoadTableOptions) {
    this.#adaptersChanged = adaptersChanged;
    const neededBytes = engineLoadTableSizeBytes(slotCapacity);
    this.slotCapacity = slotCapacity;
    this.buffer = buffer ?? new ArrayBuffer(neededBytes);
    if (this.buffer.byteLength < neededBytes) {
      throw new RoutingError(
        "invalid_parameter",
        `load table buffer has ${this.buffer.byteLength} bytes, ${slotCapacity} slots need ${neededBytes}`,
      );
    }
    this.#words = new Float64Array(this.buffer);
  }

  report(slot: WorkerSlot, load: EngineLoad, ownRequests: number): void {
    const { runningRequests, waitingRequests, kvCacheUsage, observedAtMs, adapters } = load;
    const start = slot * WORDS_PER_SLOT;
    this.#words[start + RUNNING] = runningRequests;
    this.#words[start + WAITING] = waitingRequests;
    this.#words[start + KV_USAGE] = kvCacheUsage;
    this.#words[start + OBSERVED_AT] = observedAtMs;
    this.#words[start + FOREIGN] = Math.max(0, runningRequests + waitingRequests - ownRequests);
    this.#words[start + IS_KNOWN] = 1;
    this.#changeAdapters(slot, adapters);
  }

  isKnown(slot: WorkerSlot): boolean {
    return this.#words[slot * WORDS_PER_SLOT + IS_KNOWN] === 1;
  }

  load(slot: WorkerSlot): EngineLoad | undefined {
    const start = slot * WORDS_PER_SLOT;
    return this.isKnown(slot)
      ? {
          runningRequests: this.#words[start + RUNNING]!,
          waitingRequests: this.#words[start + WAITING]!,
          kvCacheUsage: this.#words[start + KV_USAGE]!,
          observedAtMs: this.#words[start + OBSERVED_AT]!,
          adapters: this.#adapters.get(slot),
        }
      : undefined;
  }

  clear(slot: WorkerSlot): void {
    this.#words[slot * WORDS_PER_SLOT + IS_KNOWN] = 0;
    this.#changeAdapters(slot, undefined);
  }

  setAdapters(slot: WorkerSlot, adapters: EngineAdapters | undefined): void {
    if (adapters === undefined) {
      this.#adapters.delete(slot);
    } else {
      this.#adapters.set(slot, adapters);
    }
  }

  readInto(
    columns: EngineLoadColumns,
    { slots, count, nowMs }: { readonly slots: Int32Array; readonly count: number; readonly nowMs: number },
  ): void {
    const { runningRequests, waitingRequests, kvCacheUsage, loadAgeMs, foreignRequests } = columns;
    const words = this.#words;
    for (let index = 0; index < count; index += 1) {
      const start = slots[index]! * WORDS_PER_SLOT;
      const isKnown = words[start + IS_KNOWN] === 1;
      runningRequests[index] = isKnown ? words[start + RUNNING]! : NaN;
      waitingRequests[index] = isKnown ? words[start + WAITING]! : NaN;
      kvCacheUsage[index] = isKnown ? words[start + KV_USAGE]! : NaN;
      loadAgeMs[index] = isKnown ? Math.max(0, nowMs - words[start + OBSERVED_AT]!) : Infinity;
      foreignRequests[index] = isKnown ? words[start + FOREIGN]! : 0;
    }
  }

  adapters(slot: WorkerSlot): EngineAdapters | undefined {
    return this.#adapters.get(slot);
  }

  #changeAdapters(slot: WorkerSlot, adapters: EngineAdapters | undefined): void {
    const before = this.#adaptersChanged === undefined ? undefined : this.#adapters.get(slot);
    this.setAdapters(slot, adapters);
    if (this.#adaptersChanged !== undefined && !areSame(before, adapters)) {
      this.#adaptersChanged(slot, adapters);
    }
  }
}

function areSame(one: EngineAdapters | undefined, other: EngineAdapters | undefined): boolean {
  return (
    one?.capacity === other?.capacity &&
    one?.running.join("\n") === other?.running.join("\n") &&
    one?.waiting.join("\n") === other?.waiting.join("\n")
  );
}
