import type { PairEvent } from "../disaggregation/pair-run.ts";

/** How an attempt on a worker ended, as breakers and metrics see it. */
export type AttemptOutcome = "success" | "failure" | "cancelled" | "rejected";

/** Health of a worker as the fleet sees it. */
export type WorkerState = "starting" | "ready" | "unhealthy" | "refused" | "removed";

/** One HTTP request, told once at its end. Never holds prompts, completions or keys. */
export interface RequestSummary {
  readonly id: string;
  /** Route pattern, not the raw path. */
  readonly route: string;
  readonly method: string;
  /** HTTP status sent; 499 when the client left before an answer. */
  readonly status: number;
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Closed error code, for example `no_worker`; undefined when all went well. */
  readonly errorCode: string | undefined;
  readonly generation: GenerationSummary | undefined;
}

/** What a request asked of engines. */
export interface GenerationSummary {
  readonly model: string;
  /** Workers that served it, in order of first use. */
  readonly workers: readonly string[];
  readonly policy: string;
  readonly reason: string;
  readonly attempts: number;
  readonly queueMs: number;
  /** Time to the first output; undefined when there was none. */
  readonly firstTokenMs: number | undefined;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly sequences: number;
  readonly maxTokens: number;
  /** One per finished sequence. */
  readonly finishReasons: readonly string[];
}

/** Everything the router tells the outside about itself. Every method is optional work for the receiver and must not throw. */
export interface RouterObserver {
  requestStarted(route: string): void;
  requestFinished(summary: RequestSummary): void;
  /** A worker was chosen; `reason` in the policy's words. */
  decided(policy: string, worker: string, reason: string): void;
  attemptEnded(worker: string, outcome: AttemptOutcome): void;
  retryScheduled(route: string, attempt: number, delayMs: number): void;
  retriesExhausted(route: string): void;
  breakerChanged(worker: string, from: string, to: string): void;
  workerChanged(worker: string, state: WorkerState, detail: string): void;
  /** A publisher of KV events is heard, or not any more. */
  kvEventsChanged?(worker: string, detail: string): void;
  /** How a generation was divided (`prefill_decode`, `decode_only`), and why it was not. */
  pairDecided?(kind: "prefill_decode" | "decode_only", reason: string): void;
  /** What became of a prefill leg. */
  pairTold?(event: PairEvent): void;
  /** A request is answered with an error. */
  errorAnswered?(route: string, error: Error & { readonly status: number }): void;
  /** A bug: something threw that never should. */
  internalError(where: string, error: unknown): void;
}

/** Tells several observers the same. */
export function combineObservers(observers: readonly RouterObserver[]): RouterObserver {
  const each = (tell: (observer: RouterObserver) => void): void => observers.forEach(tell);
  // What is told once a request or more goes round in a plain loop.
  return {
    requestStarted: (route) => {
      for (const observer of observers) {
        observer.requestStarted(route);
      }
    },
    requestFinished: (summary) => {
      for (const observer of observers) {
        observer.requestFinished(summary);
      }
    },
    decided: (policy, worker, reason) => {
      for (const observer of observers) {
        observer.decided(policy, worker, reason);
      }
    },
    attemptEnded: (worker, outcome) => {
      for (const observer of observers) {
        observer.attemptEnded(worker, outcome);
      }
    },
    retryScheduled: (route, attempt, delayMs) => each((o) => o.retryScheduled(route, attempt, delayMs)),
    retriesExhausted: (route) => each((o) => o.retriesExhausted(route)),
    breakerChanged: (worker, from, to) => each((o) => o.breakerChanged(worker, from, to)),
    workerChanged: (worker, state, detail) => each((o) => o.workerChanged(worker, state, detail)),
    kvEventsChanged: (worker, detail) => each((o) => o.kvEventsChanged?.(worker, detail)),
    pairDecided: (kind, reason) => each((o) => o.pairDecided?.(kind, reason)),
    pairTold: (event) => each((o) => o.pairTold?.(event)),
    errorAnswered: (route, error) => each((o) => o.errorAnswered?.(route, error)),
    internalError: (where, error) => each((o) => o.internalError(where, error)),
  };
}
