import type { CancelTimer, Timers } from "../fleet/timers.ts";
import type { RouterObserver } from "../observability/router-observer.ts";
import type { Placer } from "./placement.ts";
import { randomId } from "./random-id.ts";
import type { RequestRun, RunEnd, RunServices } from "./request-run.ts";

/** What all running requests work with. */
export interface RunningServicesOptions {
  readonly placer: Placer;
  readonly timers: Timers;
  readonly observer: RouterObserver;
  /** Delay before retry number `retry` (1-based) in milliseconds; undefined when there is none left. */
  readonly retryDelayMs: (retry: number) => number | undefined;
}

/** What is told of one request. */
export interface RunningListener {
  readonly route: string;
  /** Where gaps between outputs are counted. */
  readonly gaps: { observe(seconds: number): void };
  ended(run: RequestRun, end: RunEnd): void;
}

/** What one running request works with: an object a request, where functions of its own would be ten. */
export class RunningServices implements RunServices {
  readonly placer: Placer;
  readonly #options: RunningServicesOptions;
  readonly #listener: RunningListener;

  constructor(options: RunningServicesOptions, listener: RunningListener) {
    this.placer = options.placer;
    this.#options = options;
    this.#listener = listener;
  }

  uniqueId(): string {
    return randomId();
  }

  retryDelayMs(retry: number): number | undefined {
    return this.#options.retryDelayMs(retry);
  }

  now(): number {
    return this.#options.timers.steadyMs();
  }

  after(delayMs: number, action: () => void): CancelTimer {
    return this.#options.timers.after(delayMs, action);
  }

  retryScheduled(attempt: number, delayMs: number): void {
    this.#options.observer.retryScheduled(this.#listener.route, attempt, delayMs);
  }

  retriesExhausted(): void {
    this.#options.observer.retriesExhausted(this.#listener.route);
  }

  internalError(where: string, error: unknown): void {
    this.#options.observer.internalError(where, error);
  }

  outputGap(gapMs: number): void {
    this.#listener.gaps.observe(gapMs / 1000);
  }

  ended(run: RequestRun, end: RunEnd): void {
    this.#listener.ended(run, end);
  }
}
