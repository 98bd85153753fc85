import type { WorkerSlot } from "../snapshot.ts";
import { SlotValues } from "./slot-values.ts";

/** Placements per worker after which one counts a third (1/e) of a new one. */
const WINDOW_PER_WORKER = 25;
/** Milliseconds without work for anybody after which all that was before counts a third (1/e). */
const IDLE_WINDOW_MS = 100;
/** All figures grow instead of the old ones shrinking; beyond this they are brought down together. */
const MOST_GROWTH = 1e100;

/** Numbers of shared memory before those of the slots. */
export const RECENT_WORK_HEAD = 2;
/** How much one placement counts by now; 0 stands for 1, where memory begins. */
const GROWTH = 0;
/** Time of the latest placement. */
const LATEST_AT = 1;

/** A placement, for {@link RecentWork.add}. */
export interface PlacedWork {
  readonly work: number;
  /** So many slots share the work. */
  readonly slots: number;
  readonly atMs: number;
  /** Nobody had anything to do just before. */
  readonly isAfterIdleness: boolean;
}

/**
 * The work each slot was given, the less the longer ago, counted in placements. It is to be evened out as long as there
 * is work: once all have been idle, nobody is the better for having done little before, and soon nothing of it counts.
 */
export class RecentWork {
  readonly #work: SlotValues;
  readonly #head: Float64Array;

  /** @param memory shared with other threads: {@link RECENT_WORK_HEAD} numbers, and one for each slot */
  constructor(memory?: Float64Array) {
    this.#head = memory?.subarray(0, RECENT_WORK_HEAD) ?? new Float64Array(RECENT_WORK_HEAD);
    this.#work = new SlotValues(memory?.subarray(RECENT_WORK_HEAD));
  }

  /** The slot's recent work, as the latest placement counts. */
  of(slot: WorkerSlot): number {
    return this.#work.of(slot) / (this.#head[GROWTH]! || 1);
  }

  /** The slot was given work just now. */
  add(slot: WorkerSlot, { work, slots, atMs, isAfterIdleness }: PlacedWork): void {
    const head = this.#head;
    const idleMs = isAfterIdleness ? atMs - head[LATEST_AT]! : 0;
    head[LATEST_AT] = atMs;
    let growth = (head[GROWTH]! || 1) * (1 + 1 / (WINDOW_PER_WORKER * slots));
    // Not to nothing: who has waited longest is still told by it.
    growth *= Math.min(MOST_GROWTH, Math.exp(Math.max(0, idleMs) / IDLE_WINDOW_MS));
    const isOutgrown = growth > MOST_GROWTH;
    head[GROWTH] = isOutgrown ? 1 : growth;
    if (isOutgrown) {
      this.#work.scale(1 / growth);
      growth = 1;
    }
    this.#work.set(slot, this.#work.of(slot) + work * growth);
  }
}
