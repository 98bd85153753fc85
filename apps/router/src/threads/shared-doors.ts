import {
  createAdmissionGate,
  type AdmissionGate,
  type AdmissionGateOptions,
  type QueuePlaces,
} from "@vllm-router/routing-core";

/** Words of a cache line: what one thread writes lies apart from what another one does. */
const LINE_WORDS = 16;
const INSIDE = 0;
const WAITING = 1;

/** Bytes of the doors of so many threads. */
export function doorsSizeBytes(threads: number): number {
  return (2 + threads) * LINE_WORDS * Int32Array.BYTES_PER_ELEMENT;
}

/**
 * The door of the router where several threads let requests in: one limit and one queue's length for all. Beside the sums
 * every thread counts what is its own, so that it can be given back when the thread dies.
 */
export class SharedDoors {
  readonly #words: Int32Array;
  readonly #threads: number;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#threads = this.#words.length / LINE_WORDS - 2;
  }

  /** Requests inside, of all threads. */
  get inside(): number {
    return Atomics.load(this.#words, 0);
  }

  /** Requests waiting, of all threads. */
  get waiting(): number {
    return Atomics.load(this.#words, LINE_WORDS);
  }

  /** Whether a thread has requests that wait. */
  hasWaiting(thread: number): boolean {
    return Atomics.load(this.#words, this.#own(thread) + WAITING) > 0;
  }

  /** The limit as one thread asks for it; `freed` when a place was given back and another thread has somebody waiting. */
  gate(thread: number, options: Omit<AdmissionGateOptions, "counter">, freed: () => void): AdmissionGate {
    const words = this.#words;
    const own = this.#own(thread);
    const gate = createAdmissionGate({ ...options, counter: words.subarray(0, 1) });
    return {
      tryEnter(nowMs) {
        const isIn = gate.tryEnter(nowMs);
        if (isIn) {
          Atomics.add(words, own + INSIDE, 1);
        }
        return isIn;
      },
      leave() {
        gate.leave();
        Atomics.sub(words, own + INSIDE, 1);
        if (Atomics.load(words, LINE_WORDS) > Atomics.load(words, own + WAITING)) {
          freed();
        }
      },
      nextOpeningAtMs: (nowMs) => gate.nextOpeningAtMs(nowMs),
    };
  }

  /** The queue's places as one thread takes them. */
  places(thread: number, queueSize: number): QueuePlaces {
    const words = this.#words;
    const own = this.#own(thread);
    return {
      tryJoin() {
        if (Atomics.add(words, LINE_WORDS, 1) >= queueSize) {
          Atomics.sub(words, LINE_WORDS, 1);
          return false;
        }
        Atomics.add(words, own + WAITING, 1);
        return true;
      },
      leave() {
        Atomics.sub(words, LINE_WORDS, 1);
        Atomics.sub(words, own + WAITING, 1);
      },
    };
  }

  /** Gives back what a thread had that is gone. */
  forget(thread: number): void {
    const own = this.#own(thread);
    Atomics.sub(this.#words, 0, Atomics.exchange(this.#words, own + INSIDE, 0));
    Atomics.sub(this.#words, LINE_WORDS, Atomics.exchange(this.#words, own + WAITING, 0));
  }

  #own(thread: number): number {
    if (!(thread >= 0 && thread < this.#threads)) {
      throw new RangeError(`there is no thread ${thread}`);
    }
    return (2 + thread) * LINE_WORDS;
  }
}
