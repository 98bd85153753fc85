import type { Timers } from "../fleet/timers.ts";
import { loopUtilization } from "../observability/loop-utilization.ts";
import { collectGarbage } from "./collect-garbage.ts";

/** How tidying later looks for its moment. */
export interface LaterTidyingOptions {
  readonly timers: Pick<Timers, "after">;
  /** Whether requests are running. */
  readonly isServing: () => boolean;
  /** Part of the time since its last call in which the event loop was busy; by default {@link loopUtilization}. */
  readonly utilization?: () => number;
  /** By default {@link collectGarbage}. */
  readonly collect?: () => void;
  /** Turns V8's own tidying of a process at rest off and on. */
  readonly setReducer?: ((isOn: boolean) => void) | undefined;
}

/** Pause between two looks for a moment in which nothing happens. */
const LOOK_MS = 300;
/** So many looks are made: who serves all the time collects on the way. */
const LOOKS = 200;
/** Until then V8 has found out that there is nothing to do for its own way of tidying up. */
const REDUCER_OFF_MS = 15_000;
/** Busier than that the router is still about something: other workers, other models. */
const QUIET_UTILIZATION = 0.2;

/**
 * Gives back what reading a model's files left behind, a hundred megabytes, which V8 would keep until traffic makes it look.
 * That takes a tenth of a second, so it waits until the router has come up and nobody is served.
 */
export class LaterTidying {
  readonly #options: LaterTidyingOptions;
  readonly #utilization: () => number;
  #looksLeft = 0;

  constructor(options: LaterTidyingOptions) {
    this.#options = options;
    this.#utilization = options.utilization ?? loopUtilization();
  }

  /** There is something to be given back. */
  ask(): void {
    const isWaiting = this.#looksLeft > 0;
    this.#looksLeft = LOOKS;
    this.#utilization();
    if (!isWaiting) {
      this.#lookLater();
    }
  }

  #lookLater(): void {
    this.#options.timers.after(LOOK_MS, () => this.#look());
  }

  #look(): void {
    const { isServing } = this.#options;
    this.#looksLeft -= 1;
    const isQuiet = this.#utilization() < QUIET_UTILIZATION && !isServing();
    if (isQuiet) {
      this.#looksLeft = 0;
      this.#tidy();
    } else if (this.#looksLeft > 0) {
      this.#lookLater();
    }
  }

  #tidy(): void {
    const { timers, collect = collectGarbage, setReducer } = this.#options;
    setReducer?.(false);
    collect();
    timers.after(REDUCER_OFF_MS, () => setReducer?.(true));
  }
}
