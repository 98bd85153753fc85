import type { DecisionInput } from "../decision/decision-input.ts";
import type { WorkerSlot } from "../snapshot.ts";

interface Binding {
  readonly worker: string;
  readonly slot: WorkerSlot;
  lastUsedAtMs: number;
}

/** Candidate index of a session that is bound to nobody. */
export const UNBOUND = -1;
/** … of one that is bound to a worker which is no candidate now. */
export const BOUND_ELSEWHERE = -2;

/** At most this many stale sessions are looked for at each new one: what expires is forgotten as fast as it comes. */
const SWEPT_PER_BINDING = 2;

/** Which session runs where. Keys are numbers, see `sessionKey`. */
export interface Sessions {
  /** Sessions that are remembered. */
  readonly size: number;
  /** Sessions bound to the slot. */
  countOf(slot: WorkerSlot): number;
  /** Index of the candidate that the session is bound to, or -1, or {@link BOUND_ELSEWHERE}. */
  candidateOf(key: number | undefined, input: DecisionInput): number;
  /** Binds the session to a candidate, or marks it as used. */
  bind(key: number, input: DecisionInput, candidate: number): void;
}

/**
 * Which session runs where, in one thread: bounded in number (the least recently used goes) and in time (a session unused for longer
 * than the limit is forgotten).
 */
export class SessionTable implements Sessions {
  readonly #capacity: number;
  readonly #ttlMs: number;
  /** In the order of last use. */
  readonly #bindings = new Map<number, Binding>();
  readonly #countOfSlot = new Map<WorkerSlot, number>();

  constructor(options: { readonly capacity: number; readonly ttlMs: number }) {
    this.#capacity = options.capacity;
    this.#ttlMs = options.ttlMs;
  }

  get size(): number {
    return this.#bindings.size;
  }

  countOf(slot: WorkerSlot): number {
    return this.#countOfSlot.get(slot) ?? 0;
  }

  candidateOf(key: number | undefined, input: DecisionInput): number {
    const binding = key === undefined ? undefined : this.#bindings.get(key);
    if (binding === undefined || input.atMs - binding.lastUsedAtMs > this.#ttlMs) {
      return UNBOUND;
    }
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      // A slot may have another worker by now.
      if (input.slots[candidate] === binding.slot && input.workers[candidate] === binding.worker) {
        return candidate;
      }
    }
    return BOUND_ELSEWHERE;
  }

  bind(key: number, input: DecisionInput, candidate: number): void {
    const slot = input.slots[candidate]!;
    const worker = input.workers[candidate]!;
    const old = this.#bindings.get(key);
    if (old !== undefined) {
      this.#forget(key, old);
    }
    this.#sweep(input.atMs);
    this.#bindings.set(key, { worker, slot, lastUsedAtMs: input.atMs });
    this.#countOfSlot.set(slot, this.countOf(slot) + 1);
  }

  #sweep(nowMs: number): void {
    let swept = 0;
    for (const [key, binding] of this.#bindings) {
      const isExpired = nowMs - binding.lastUsedAtMs > this.#ttlMs;
      if (this.#bindings.size < this.#capacity && (!isExpired || swept >= SWEPT_PER_BINDING)) {
        return;
      }
      this.#forget(key, binding);
      swept += 1;
    }
  }

  #forget(key: number, { slot }: Binding): void {
    this.#bindings.delete(key);
    const count = this.countOf(slot) - 1;
    if (count > 0) {
      this.#countOfSlot.set(slot, count);
    } else {
      this.#countOfSlot.delete(slot);
    }
  }
}
