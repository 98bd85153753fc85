import type { EngineLoad } from "@vllm-router/routing-core";
import type { LoadSample } from "./engine-events.ts";
import type { CancelTimer, Timers } from "./timers.ts";

/** What a {@link LoadPoller} works with. */
export interface LoadPollerOptions {
  readonly timers: Timers;
  /** Pause between two questions while the engine is busy, milliseconds. */
  readonly intervalMs: number;
  /** Part of the interval after which it begins, 0 to 1: so that not all engines are asked at once. */
  readonly phase: number;
  /** Asks the engine; rejects when it does not answer, resolves to undefined when it never will. */
  readonly ask: () => Promise<readonly LoadAnswer[] | undefined>;
  /** Whether this router has requests in flight on the engine. */
  readonly isBusy: () => boolean;
  /** Whether an answer would tell nothing new: the engine pushes its load. */
  readonly isTold: () => boolean;
  readonly heard: (sample: LoadSample) => void;
}

/** One rank's figures, of this moment. */
export type LoadAnswer = Omit<EngineLoad, "observedAtMs"> & { readonly rank: number };

/** An idle engine is asked a tenth as often as a busy one. */
const IDLE_TURNS = 10;

/** Asks an engine for its load again and again, oftener while it is busy. Never two questions at once. */
export class LoadPoller implements Disposable {
  readonly #options: LoadPollerOptions;
  #cancelTimer: CancelTimer;
  #isAsking = false;
  #isOver = false;
  #wasBusy = false;
  #idleTurns = IDLE_TURNS;

  constructor(options: LoadPollerOptions) {
    this.#options = options;
    const { timers, intervalMs, phase } = options;
    this.#cancelTimer = timers.after(intervalMs * phase, () => {
      this.#cancelTimer = timers.every(intervalMs, () => this.#turn());
      this.#turn();
    });
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#cancelTimer();
  }

  #turn(): void {
    const { isBusy, isTold } = this.#options;
    this.#idleTurns += 1;
    const isDue = this.#wasBusy || isBusy() || this.#idleTurns >= IDLE_TURNS;
    if (this.#isAsking || !isDue || isTold()) {
      return;
    }
    this.#idleTurns = 0;
    this.#isAsking = true;
    void this.#ask().finally(() => {
      this.#isAsking = false;
    });
  }

  async #ask(): Promise<void> {
    const { ask, timers, heard } = this.#options;
    const askedAtMs = timers.steadyMs();
    let answers: readonly LoadAnswer[] | undefined;
    try {
      answers = await ask();
    } catch {
      // It is the health probes' business to judge an engine that does not answer; its last figures age meanwhile.
      return;
    }
    if (this.#isOver) {
      return;
    }
    if (answers === undefined) {
      this[Symbol.dispose]();
      return;
    }
    this.#wasBusy = answers.some((answer) => answer.runningRequests + answer.waitingRequests > 0);
    for (const { rank, ...load } of answers) {
      heard({ rank, load: { ...load, observedAtMs: askedAtMs } });
    }
  }
}
