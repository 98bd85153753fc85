import type { WorkerSlot } from "../snapshot.ts";
import { SlotValues } from "./slot-values.ts";

/** Placements per worker after which one counts a third (1/e) of a new one. */
const WINDOW_PER_WORKER = 25;
/** All figures grow instead of the old ones shrinking; beyond this they are brought down together. */
const MOST_GROWTH = 1e100;

/** Numbers of shared memory before those of the slots. */
export const RECENT_WORK_HEAD = 1;

/** The work each slot was given, the less the longer ago, counted in placements; only good for comparing slots. */
export class RecentWork {
  readonly #work: SlotValues;
  /** How much one placement counts by now; 0 stands for 1, where memory begins. */
  readonly #growth: Float64Array;

  /** @param memory shared with other threads: {@link RECENT_WORK_HEAD} numbers, and one for each slot */
  constructor(memory?: Float64Array) {
    this.#growth = memory?.subarray(0, RECENT_WORK_HEAD) ?? new Float64Array(RECENT_WORK_HEAD);
    this.#work = new SlotValues(memory?.subarray(RECENT_WORK_HEAD));
  }

  /** The slot's recent work. */
  of(slot: WorkerSlot): number {
    return this.#work.of(slot);
  }

  /** The slot, one of so many, was given work just now. */
  add(slot: WorkerSlot, work: number, slots: number): void {
    let growth = (this.#growth[0]! || 1) * (1 + 1 / (WINDOW_PER_WORKER * slots));
    const isOutgrown = growth > MOST_GROWTH;
    this.#growth[0] = isOutgrown ? 1 : growth;
    if (isOutgrown) {
      this.#work.scale(1 / growth);
      growth = 1;
    }
    this.#work.set(slot, this.#work.of(slot) + work * growth);
  }
}
