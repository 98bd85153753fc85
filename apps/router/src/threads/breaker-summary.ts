import type { BreakerState, WorkerSlot } from "@vllm-router/routing-core";
import type { BreakerListener, Breakers } from "../fleet/breakers.ts";

/**
 * The circuit breakers as the fleet's thread knows them: every request thread has its own, tells the others of failures,
 * and tells this thread how they stand. A worker is as bad as the worst of them says.
 */
export class BreakerSummary implements Breakers {
  readonly #states = new Map<WorkerSlot, BreakerState[]>();
  readonly #open = new Set<WorkerSlot>();
  readonly #listeners = new Set<BreakerListener>();
  readonly #forgotten: (slot: WorkerSlot) => void;

  /** @param forgotten told that a slot's worker is gone */
  constructor(forgotten: (slot: WorkerSlot) => void) {
    this.#forgotten = forgotten;
  }

  /** Only shadow policies decide in this thread, which try nothing. */
  readonly guard: Breakers["guard"] = {
    admits: (slot) => !this.#open.has(slot),
    admitsAll: () => this.#open.size === 0,
    started: () => 0,
    ended: () => undefined,
  };

  /** A thread's breaker changed. */
  changed(thread: number, slot: WorkerSlot, to: BreakerState): void {
    const states = this.#states.get(slot) ?? [];
    this.#states.set(slot, states);
    this.#change(slot, () => {
      states[thread] = to;
    });
  }

  /** A thread is gone, and another one in its place begins with closed breakers. */
  forgetThread(thread: number): void {
    for (const [slot, states] of this.#states) {
      this.#change(slot, () => {
        states[thread] = "closed";
      });
    }
  }

  state(slot: WorkerSlot): BreakerState {
    const states = this.#states.get(slot) ?? [];
    if (states.includes("open")) {
      return "open";
    }
    return states.includes("half-open") ? "half-open" : "closed";
  }

  forget(slot: WorkerSlot): void {
    this.#states.delete(slot);
    this.#open.delete(slot);
    this.#forgotten(slot);
  }

  watch(listener: BreakerListener): void {
    this.#listeners.add(listener);
  }

  nextExpiryInMs(): number {
    return Infinity;
  }

  expire(): void {
    // Each thread's own breakers go half open by themselves.
  }

  #change(slot: WorkerSlot, change: () => void): void {
    const from = this.state(slot);
    change();
    const to = this.state(slot);
    if (to === "open") {
      this.#open.add(slot);
    } else {
      this.#open.delete(slot);
    }
    if (from !== to) {
      for (const listener of this.#listeners) {
        listener(slot, from, to);
      }
    }
  }
}
