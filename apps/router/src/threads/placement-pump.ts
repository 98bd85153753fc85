import { attachRing, PlacementReceiver, type EngineCaches } from "@vllm-router/routing-core";
import type { CancelTimer, Timers } from "../fleet/timers.ts";

/** Records taken from one ring before another one has its turn. */
const TURN = 64;
/** Turns before other work of the thread has its own. */
const TURNS = 8;
/** Pause between two looks while there is traffic: waking this thread costs a request thread more than a look costs here. */
const PAUSE_MS = 2;
/** Looks without anything found, after which threads have to wake it. */
const IDLE_LOOKS = 10;

/** Brings the placements of all request threads into the prefix index, of which this thread is the only writer. */
export class PlacementPump implements Disposable {
  readonly #receivers: readonly PlacementReceiver[];
  readonly #timers: Timers;
  #cancelTimer: CancelTimer | undefined;
  #idleLooks = 0;

  constructor(rings: readonly SharedArrayBuffer[], caches: EngineCaches, timers: Timers) {
    this.#receivers = rings.map((ring) => new PlacementReceiver(attachRing(ring), caches));
    this.#timers = timers;
    for (const receiver of this.#receivers) {
      receiver.rest();
    }
  }

  /** There is something in a ring. */
  wake(): void {
    this.#idleLooks = 0;
    if (this.#cancelTimer === undefined) {
      this.#look();
    }
  }

  [Symbol.dispose](): void {
    this.#cancelTimer?.();
  }

  #look(): void {
    this.#cancelTimer = undefined;
    let received = 0;
    for (let turn = 0; turn < TURNS; turn += 1) {
      const before = received;
      for (const receiver of this.#receivers) {
        received += receiver.receive(TURN);
      }
      if (received === before) {
        break;
      }
    }
    this.#idleLooks = received > 0 ? 0 : this.#idleLooks + 1;
    if (this.#idleLooks > IDLE_LOOKS && this.#rest()) {
      return;
    }
    this.#cancelTimer = this.#timers.after(PAUSE_MS, () => this.#look());
  }

  /** False when there is something again. */
  #rest(): boolean {
    let isQuiet = true;
    for (const receiver of this.#receivers) {
      isQuiet = receiver.rest() && isQuiet;
    }
    return isQuiet;
  }
}
