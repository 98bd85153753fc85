import type { WorkerSlot } from "../snapshot.ts";

const INITIAL_SLOTS = 64;

/**
 * One number per slot, 0 until set. Grows to the highest slot, but not in memory that is given, which threads share: there a
 * change that two threads make at once may lose one of the two.
 */
export class SlotValues {
  readonly #isFixed: boolean;
  #values: Float64Array;

  constructor(memory?: Float64Array) {
    this.#isFixed = memory !== undefined;
    this.#values = memory ?? new Float64Array(INITIAL_SLOTS);
  }

  /** The slot's number. */
  of(slot: WorkerSlot): number {
    return this.#values[slot] ?? 0;
  }

  /** Sets the slot's number. */
  set(slot: WorkerSlot, value: number): void {
    if (slot >= this.#values.length && !this.#isFixed) {
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
