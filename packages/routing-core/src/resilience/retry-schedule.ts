import type { RandomSource } from "../random-source.ts";
import { RoutingError } from "../routing-error.ts";
import type { RetryBudget } from "./retry-budget.ts";

/** Parameters of {@link createRetrySchedule}. */
export interface RetryParameters {
  /** Attempts in total, the first included (what `--retry-max-retries` means in the Rust router). */
  readonly maxAttempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffMultiplier: number;
  /** Each delay is multiplied by 1 plus a random number between minus this and this. */
  readonly jitterFactor: number;
}

/** The Rust router's defaults. */
export const RETRY_DEFAULTS: RetryParameters = Object.freeze({
  maxAttempts: 5,
  initialBackoffMs: 50,
  maxBackoffMs: 30_000,
  backoffMultiplier: 1.5,
  jitterFactor: 0.2,
});

/** HTTP statuses of a worker's answer that are worth another attempt, as in the Rust router. */
export const RETRYABLE_STATUSES: readonly number[] = Object.freeze([408, 429, 500, 502, 503, 504]);

/** Whether and when to try again. */
export type RetryVerdict =
  | { readonly kind: "retry"; readonly delayMs: number; readonly atMs: number }
  | { readonly kind: "give-up"; readonly reason: "attempts" | "deadline" | "budget" };

/** Decides about the next attempt of a generation that has failed. */
export interface RetrySchedule {
  readonly parameters: RetryParameters;
  /**
   * The verdict after `failedAttempts` (1 or more) attempts. A retry is taken out of the budget. `deadlineAtMs`: a retry
   * that would begin at or after it is pointless; Infinity for none.
   */
  next(failure: {
    readonly failedAttempts: number;
    readonly nowMs: number;
    readonly deadlineAtMs: number;
  }): RetryVerdict;
}

/**
 * Delay after k failures: min(initial · multiplier^(k-1), max) · (1 + U[-jitter, jitter]). Throws
 * `RoutingError("invalid_parameter")` outside the ranges the Rust router accepts.
 */
export function createRetrySchedule(
  parameters: RetryParameters,
  random: RandomSource,
  budget?: RetryBudget,
): RetrySchedule {
  checkParameters(parameters);
  const { maxAttempts, initialBackoffMs, maxBackoffMs, backoffMultiplier, jitterFactor } = parameters;
  return {
    parameters,
    next({ failedAttempts, nowMs, deadlineAtMs }) {
      if (failedAttempts >= maxAttempts) {
        return { kind: "give-up", reason: "attempts" };
      }
      const backoffMs = Math.min(initialBackoffMs * backoffMultiplier ** (failedAttempts - 1), maxBackoffMs);
      const delayMs = backoffMs * (1 + jitterFactor * (2 * random() - 1));
      if (nowMs + delayMs >= deadlineAtMs) {
        return { kind: "give-up", reason: "deadline" };
      }
      if (budget !== undefined && !budget.tryWithdraw(nowMs)) {
        return { kind: "give-up", reason: "budget" };
      }
      return { kind: "retry", delayMs, atMs: nowMs + delayMs };
    },
  };
}

function checkParameters(parameters: RetryParameters): void {
  const { maxAttempts, initialBackoffMs, maxBackoffMs, backoffMultiplier, jitterFactor } = parameters;
  demand(Number.isInteger(maxAttempts) && maxAttempts >= 1, "maxAttempts must be an integer of at least 1");
  demand(initialBackoffMs > 0, "initialBackoffMs must be above 0");
  demand(maxBackoffMs >= initialBackoffMs, "maxBackoffMs must be at least initialBackoffMs");
  demand(backoffMultiplier >= 1, "backoffMultiplier must be at least 1");
  demand(jitterFactor >= 0 && jitterFactor <= 1, "jitterFactor must be from 0 to 1");
}

function demand(isMet: boolean, text: string): void {
  if (!isMet) {
    throw new RoutingError("invalid_parameter", text);
  }
}
