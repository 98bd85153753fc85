import { createTokenBucket } from "./token-bucket.ts";

/** Keeps retries a small share of the traffic, so that an outage is not multiplied by everybody retrying. */
export interface RetryBudget {
  /** A request arrived: it pays for a share of a retry. */
  deposit(): void;
  /** Takes one retry out; false when the budget is used up. */
  tryWithdraw(nowMs: number): boolean;
}

/** Options of {@link createRetryBudget}. */
export interface RetryBudgetOptions {
  /** Retries earned per request. */
  readonly ratio: number;
  /** Retries earned per second whatever the traffic, so that a quiet router can always retry. */
  readonly minimumPerSecond: number;
  /** Most retries saved up; the budget starts with them. */
  readonly capacity: number;
  readonly startAtMs: number;
}

/** One retry per five requests, ten a second at least, a hundred saved up. The Rust router has no such bound. */
export const RETRY_BUDGET_DEFAULTS = Object.freeze({ ratio: 0.2, minimumPerSecond: 10, capacity: 100 });

/** Creates a full budget. */
export function createRetryBudget(options: RetryBudgetOptions): RetryBudget {
  const bucket = createTokenBucket({
    capacity: options.capacity,
    refillPerSecond: options.minimumPerSecond,
    startAtMs: options.startAtMs,
  });
  return {
    deposit: () => bucket.add(options.ratio),
    tryWithdraw: (nowMs) => bucket.tryTake(nowMs),
  };
}
