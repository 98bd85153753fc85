import { RoutingError } from "../routing-error.ts";
import type { BreakerState } from "../snapshot.ts";

/** Parameters of a circuit breaker. */
export interface BreakerParameters {
  /** Consecutive failures that open it; Infinity disables it. */
  readonly failureThreshold: number;
  /** Consecutive successes in half-open that close it. */
  readonly successThreshold: number;
  /** How long it stays open before it lets attempts try the worker again. */
  readonly timeoutMs: number;
  /** A failure is consecutive only to one that is no older than this. The Rust router accepts it and ignores it. */
  readonly windowMs: number;
  /** Attempts in flight at once while half-open, so that a worker that is still ill does not get everybody's request. */
  readonly halfOpenMaxAttempts: number;
}

/** The Rust router's defaults; it has no `halfOpenMaxAttempts` and lets everything through while half-open. */
export const BREAKER_DEFAULTS: BreakerParameters = Object.freeze({
  failureThreshold: 10,
  successThreshold: 3,
  timeoutMs: 60_000,
  windowMs: 120_000,
  halfOpenMaxAttempts: 3,
});

/** How an attempt went. A client's mistake or cancellation says nothing about the worker: it is no outcome. */
export type AttemptOutcome = "success" | "failure";

/** Names the period of the breaker in which an attempt began; its outcome counts for that period only. */
export type BreakerPeriod = number;

/** A change of state. */
export interface BreakerChange {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly atMs: number;
}

/** Keeps a failing worker from getting requests. The time is told with every call. */
export interface CircuitBreaker {
  readonly state: BreakerState;
  /** Whether an attempt may begin now: closed, or half-open with room for one more. */
  admits(nowMs: number): boolean;
  /** An attempt begins. */
  started(nowMs: number): BreakerPeriod;
  /** Its outcome, or null when it ended without one. Exactly once per `started`. */
  ended(period: BreakerPeriod, outcome: AttemptOutcome | null, nowMs: number): void;
  /** When `expire` has something to do: the end of an open period, else Infinity. */
  nextDeadlineAtMs(): number;
  /** Turns open into half-open when its time has come. `admits` and `started` do that as well. */
  expire(nowMs: number): void;
}

/** Creates a closed breaker. Throws `RoutingError("invalid_parameter")` for thresholds below 1 or times not above 0. */
export function createCircuitBreaker(
  parameters: BreakerParameters,
  onChange?: (change: BreakerChange) => void,
): CircuitBreaker {
  for (const name of ["failureThreshold", "successThreshold", "halfOpenMaxAttempts"] as const) {
    if (!(parameters[name] >= 1)) {
      throw new RoutingError("invalid_parameter", `${name} must be at least 1, got ${parameters[name]}`);
    }
  }
  for (const name of ["timeoutMs", "windowMs"] as const) {
    if (!(parameters[name] > 0)) {
      throw new RoutingError("invalid_parameter", `${name} must be above 0, got ${parameters[name]}`);
    }
  }
  return new ThreeStateBreaker(parameters, onChange);
}

class ThreeStateBreaker implements CircuitBreaker {
  state: BreakerState = "closed";
  readonly #parameters: BreakerParameters;
  readonly #onChange: ((change: BreakerChange) => void) | undefined;
  #period = 0;
  #failures = 0;
  #lastFailureAtMs = -Infinity;
  #successes = 0;
  #trialsInFlight = 0;
  #openUntilMs = Infinity;

  constructor(parameters: BreakerParameters, onChange: ((change: BreakerChange) => void) | undefined) {
    this.#parameters = parameters;
    this.#onChange = onChange;
  }

  admits(nowMs: number): boolean {
    this.expire(nowMs);
    return (
      this.state === "closed" ||
      (this.state === "half-open" && this.#trialsInFlight < this.#parameters.halfOpenMaxAttempts)
    );
  }

  started(nowMs: number): BreakerPeriod {
    this.expire(nowMs);
    this.#trialsInFlight += this.state === "half-open" ? 1 : 0;
    return this.#period;
  }

  ended(period: BreakerPeriod, outcome: AttemptOutcome | null, nowMs: number): void {
    if (period !== this.#period) {
      return;
    }
    this.#trialsInFlight -= this.state === "half-open" ? 1 : 0;
    if (outcome === "success") {
      this.#succeeded(nowMs);
    } else if (outcome === "failure") {
      this.#failed(nowMs);
    }
  }

  nextDeadlineAtMs(): number {
    return this.#openUntilMs;
  }

  expire(nowMs: number): void {
    if (this.state === "open" && nowMs >= this.#openUntilMs) {
      this.#enter("half-open", nowMs);
    }
  }

  #succeeded(nowMs: number): void {
    this.#failures = 0;
    if (this.state === "half-open") {
      this.#successes += 1;
      if (this.#successes >= this.#parameters.successThreshold) {
        this.#enter("closed", nowMs);
      }
    }
  }

  #failed(nowMs: number): void {
    if (this.state === "half-open") {
      this.#enter("open", nowMs);
      return;
    }
    this.#failures = nowMs - this.#lastFailureAtMs <= this.#parameters.windowMs ? this.#failures + 1 : 1;
    this.#lastFailureAtMs = nowMs;
    if (this.state === "closed" && this.#failures >= this.#parameters.failureThreshold) {
      this.#enter("open", nowMs);
    }
  }

  #enter(state: BreakerState, nowMs: number): void {
    const from = this.state;
    this.state = state;
    this.#period += 1;
    this.#failures = 0;
    this.#lastFailureAtMs = -Infinity;
    this.#successes = 0;
    this.#trialsInFlight = 0;
    this.#openUntilMs = state === "open" ? nowMs + this.#parameters.timeoutMs : Infinity;
    this.#onChange?.({ from, to: state, atMs: nowMs });
  }
}
