import type { WorkerSlot } from "../snapshot.ts";

const INITIAL_SLOTS = 64;

/** One number per slot, 0 until set. Grows to the highest slot. */
export class SlotValues {
  #values = new Float64Array(INITIAL_SLOTS);

  /** The slot's number. */
  of(slot: WorkerSlot): number {
    return this.#values[slot] ?? 0;
  }

  /** Sets the slot's number. */
  set(slot: WorkerSlot, value: number): void {
    if (slot >= this.#values.length) {
      const grown = new Float64Array(Math.max(slot + 1, 2 * this.#values.length));
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[slot] = value;
  }

  /** Multiplies all numbers. */
  scale(factor: number): void {
    for (let slot = 0; slot < this.#values.length; slot += 1) {
      this.#values[slot]! *= factor;
    }
  }
}
