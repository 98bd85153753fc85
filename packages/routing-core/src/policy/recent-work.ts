import type { WorkerSlot } from "../snapshot.ts";
import { SlotValues } from "./slot-values.ts";

/** Placements per worker after which one counts a third (1/e) of a new one. */
const WINDOW_PER_WORKER = 25;
/** All figures grow instead of the old ones shrinking; beyond this they are brought down together. */
const MOST_GROWTH = 1e100;

/** The work each slot was given, the less the longer ago, counted in placements; only good for comparing slots. */
export class RecentWork {
  readonly #work = new SlotValues();
  #growth = 1;

  /** The slot's recent work. */
  of(slot: WorkerSlot): number {
    return this.#work.of(slot);
  }

  /** The slot, one of so many, was given work just now. */
  add(slot: WorkerSlot, work: number, slots: number): void {
    this.#growth *= 1 + 1 / (WINDOW_PER_WORKER * slots);
    if (this.#growth > MOST_GROWTH) {
      this.#work.scale(1 / this.#growth);
      this.#growth = 1;
    }
    this.#work.set(slot, this.#work.of(slot) + work * this.#growth);
  }
}
