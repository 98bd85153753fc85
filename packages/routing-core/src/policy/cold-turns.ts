import type { WorkerSlot } from "../snapshot.ts";

const INITIAL_SLOTS = 64;

/** When each slot last got a prompt it held nothing of, counted in such prompts; 0 for never. Grows to the highest slot. */
export class ColdTurns {
  #lastAt = new Float64Array(INITIAL_SLOTS);
  #turns = 0;

  /** The slot's last turn. */
  of(slot: WorkerSlot): number {
    return this.#lastAt[slot] ?? 0;
  }

  /** The slot got a cold prompt just now. */
  mark(slot: WorkerSlot): void {
    if (slot >= this.#lastAt.length) {
      const grown = new Float64Array(Math.max(slot + 1, 2 * this.#lastAt.length));
      grown.set(this.#lastAt);
      this.#lastAt = grown;
    }
    this.#turns += 1;
    this.#lastAt[slot] = this.#turns;
  }
}
