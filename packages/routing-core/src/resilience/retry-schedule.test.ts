import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSeededRandom } from "../random-source.ts";
import { createRetryBudget } from "./retry-budget.ts";
import {
  createRetrySchedule,
  RETRY_DEFAULTS,
  RETRYABLE_STATUSES,
  type RetryParameters,
} from "./retry-schedule.ts";

const failure = (failedAttempts: number, deadlineAtMs = Infinity) => ({
  failedAttempts,
  nowMs: 1000,
  deadlineAtMs,
});

describe("createRetrySchedule()", () => {
  it("has the Rust router's defaults", () => {
    expect(RETRY_DEFAULTS).toEqual({
      maxAttempts: 5,
      initialBackoffMs: 50,
      maxBackoffMs: 30_000,
      backoffMultiplier: 1.5,
      jitterFactor: 0.2,
    });
    expect(RETRYABLE_STATUSES).toEqual([408, 429, 500, 502, 503, 504]);
  });

  it("backs off exponentially and gives up after the last attempt", () => {
    const schedule = createRetrySchedule(RETRY_DEFAULTS, () => 0.5);
    expect([1, 2, 3, 4].map((failed) => schedule.next(failure(failed)))).toEqual([
      { kind: "retry", delayMs: 50, atMs: 1050 },
      { kind: "retry", delayMs: 75, atMs: 1075 },
      { kind: "retry", delayMs: 112.5, atMs: 1112.5 },
      { kind: "retry", delayMs: 168.75, atMs: 1168.75 },
    ]);
    expect(schedule.next(failure(5))).toEqual({ kind: "give-up", reason: "attempts" });
  });

  it("gives up when the next attempt would begin too late", () => {
    const schedule = createRetrySchedule(RETRY_DEFAULTS, () => 0.5);
    expect(schedule.next(failure(1, 1050))).toEqual({ kind: "give-up", reason: "deadline" });
    expect(schedule.next(failure(1, 1051)).kind).toBe("retry");
  });

  it("keeps every delay within the backoff and its jitter", () => {
    const inputs = fc.record({
      maxAttempts: fc.integer({ min: 2, max: 50 }),
      initialBackoffMs: fc.integer({ min: 1, max: 1000 }),
      maxBackoffMs: fc.integer({ min: 1000, max: 60_000 }),
      backoffMultiplier: fc.double({ min: 1, max: 10, noNaN: true }),
      jitterFactor: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(inputs, fc.integer(), (parameters: RetryParameters, seed) => {
        const schedule = createRetrySchedule(parameters, createSeededRandom(seed));
        for (let failed = 1; failed < parameters.maxAttempts; failed += 1) {
          const verdict = schedule.next(failure(failed));
          const delayMs = verdict.kind === "retry" ? verdict.delayMs : NaN;
          expect(delayMs).toBeGreaterThanOrEqual(
            parameters.initialBackoffMs * (1 - parameters.jitterFactor) - 1e-6,
          );
          expect(delayMs).toBeLessThanOrEqual(parameters.maxBackoffMs * (1 + parameters.jitterFactor) + 1e-6);
        }
      }),
      { numRuns: 100, seed: 31 },
    );
  });

  it("refuses the parameters the Rust router refuses", () => {
    const create = (overrides: Partial<RetryParameters>) => () =>
      createRetrySchedule({ ...RETRY_DEFAULTS, ...overrides }, () => 0);
    expect(create({ maxAttempts: 0 })).toThrow("maxAttempts must be an integer of at least 1");
    expect(create({ initialBackoffMs: 0 })).toThrow("initialBackoffMs must be above 0");
    expect(create({ maxBackoffMs: 10 })).toThrow("maxBackoffMs must be at least initialBackoffMs");
    expect(create({ backoffMultiplier: 0.9 })).toThrow("backoffMultiplier must be at least 1");
    expect(create({ jitterFactor: 1.1 })).toThrow("jitterFactor must be from 0 to 1");
  });
});

describe("createRetryBudget()", () => {
  it("bounds retries to what requests and time have earned", () => {
    const budget = createRetryBudget({ ratio: 0.5, minimumPerSecond: 1, capacity: 2, startAtMs: 0 });
    const schedule = createRetrySchedule(RETRY_DEFAULTS, () => 0.5, budget);
    const retry = (nowMs: number) => schedule.next({ failedAttempts: 1, nowMs, deadlineAtMs: Infinity });
    expect([retry(0).kind, retry(0).kind]).toEqual(["retry", "retry"]);
    expect(retry(0)).toEqual({ kind: "give-up", reason: "budget" });
    budget.deposit();
    expect(retry(0).kind).toBe("give-up");
    budget.deposit();
    expect(retry(0).kind).toBe("retry");
    expect([retry(1000).kind, retry(1000).kind]).toEqual(["retry", "give-up"]);
  });
});
