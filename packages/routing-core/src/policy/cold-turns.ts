import type { WorkerSlot } from "../snapshot.ts";
import { SlotValues } from "./slot-values.ts";

/** When each slot last got a prompt it held nothing of, counted in such prompts; 0 for never. */
export class ColdTurns {
  readonly #lastAt = new SlotValues();
  #turns = 0;

  /** The slot's last turn. */
  of(slot: WorkerSlot): number {
    return this.#lastAt.of(slot);
  }

  /** The slot got a cold prompt just now. */
  mark(slot: WorkerSlot): void {
    this.#turns += 1;
    this.#lastAt.set(slot, this.#turns);
  }
}
