import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AttemptOutcome,
  BREAKER_DEFAULTS,
  type BreakerChange,
  createCircuitBreaker,
} from "./circuit-breaker.ts";

const parameters = { ...BREAKER_DEFAULTS, failureThreshold: 3, successThreshold: 2, halfOpenMaxAttempts: 2 };

function setUp(overrides: Partial<typeof BREAKER_DEFAULTS> = {}) {
  const changes: BreakerChange[] = [];
  const breaker = createCircuitBreaker({ ...parameters, ...overrides }, (change) => changes.push(change));
  const attempt = (outcome: AttemptOutcome | null, nowMs: number): void =>
    breaker.ended(breaker.started(nowMs), outcome, nowMs);
  return { breaker, attempt, changes };
}

describe("createCircuitBreaker()", () => {
  it("has the Rust router's defaults", () => {
    expect(BREAKER_DEFAULTS).toEqual({
      failureThreshold: 10,
      successThreshold: 3,
      timeoutMs: 60_000,
      windowMs: 120_000,
      halfOpenMaxAttempts: 3,
    });
  });

  it("opens after consecutive failures only", () => {
    const { breaker, attempt } = setUp();
    (["failure", "failure", "success", "failure", null, "failure"] as const).forEach((outcome) =>
      attempt(outcome, 0),
    );
    expect(breaker.state).toBe("closed");
    attempt("failure", 0);
    expect([breaker.state, breaker.admits(0), breaker.nextDeadlineAtMs()]).toEqual(["open", false, 60_000]);
  });

  it("does not add up failures that lie further apart than the window", () => {
    const { breaker, attempt } = setUp();
    attempt("failure", 0);
    attempt("failure", 100_000);
    attempt("failure", 220_001);
    attempt("failure", 220_002);
    expect(breaker.state).toBe("closed");
    attempt("failure", 220_003);
    expect(breaker.state).toBe("open");
  });

  it("lets a few try the worker after the timeout, and closes after enough successes", () => {
    const { breaker, attempt, changes } = setUp();
    [1, 2, 3].forEach(() => attempt("failure", 10));
    expect(breaker.admits(60_009)).toBe(false);
    expect(breaker.admits(60_010)).toBe(true);
    const first = breaker.started(60_010);
    const second = breaker.started(60_010);
    expect(breaker.admits(60_011)).toBe(false);
    breaker.ended(first, null, 60_012);
    expect(breaker.admits(60_012)).toBe(true);
    breaker.ended(second, "success", 60_013);
    attempt("success", 60_014);
    expect(breaker.state).toBe("closed");
    expect(changes.map(({ from, to, atMs }) => `${from} ${to} ${atMs}`)).toEqual([
      "closed open 10",
      "open half-open 60010",
      "half-open closed 60014",
    ]);
  });

  it("opens again at the first failure in half-open", () => {
    const { breaker, attempt } = setUp();
    [1, 2, 3].forEach(() => attempt("failure", 0));
    breaker.expire(60_000);
    attempt("success", 60_000);
    attempt("failure", 60_001);
    expect([breaker.state, breaker.nextDeadlineAtMs()]).toEqual(["open", 120_001]);
  });

  it("lets as many try the worker in the next half-open period as in the first", () => {
    const { breaker, attempt } = setUp();
    [1, 2, 3].forEach(() => attempt("failure", 0));
    const trials = [breaker.started(60_000), breaker.started(60_000)];
    breaker.ended(trials[0]!, "failure", 60_001);
    breaker.ended(trials[1]!, "failure", 60_002);
    expect(breaker.nextDeadlineAtMs()).toBe(120_001);
    breaker.started(120_001);
    expect(breaker.admits(120_001)).toBe(true);
    breaker.started(120_001);
    expect(breaker.admits(120_001)).toBe(false);
  });

  it("ignores the late outcome of an attempt from before the change", () => {
    const { breaker, attempt } = setUp();
    const old = breaker.started(0);
    [1, 2, 3].forEach(() => attempt("failure", 0));
    breaker.expire(60_000);
    breaker.ended(old, "failure", 60_001);
    expect(breaker.state).toBe("half-open");
  });

  it("never opens when disabled", () => {
    const { breaker, attempt } = setUp({ failureThreshold: Infinity });
    Array.from({ length: 1000 }).forEach(() => attempt("failure", 0));
    expect(breaker.state).toBe("closed");
  });

  it("refuses parameters that make no sense", () => {
    expect(() => setUp({ failureThreshold: 0 })).toThrow("failureThreshold must be at least 1");
    expect(() => setUp({ timeoutMs: 0 })).toThrow("timeoutMs must be above 0");
  });

  it("is open only after the threshold, and always gives the worker another chance", () => {
    const step = fc.record({
      outcome: fc.constantFrom("success", "failure", null),
      afterMs: fc.nat(40_000),
      isHeld: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const { breaker } = setUp();
        let nowMs = 0;
        let consecutive = 0;
        const held: number[] = [];
        for (const { outcome, afterMs, isHeld } of steps) {
          nowMs += afterMs;
          if (!breaker.admits(nowMs)) continue;
          const before = breaker.state;
          const period = breaker.started(nowMs);
          if (isHeld) {
            held.push(period);
            continue;
          }
          breaker.ended(period, outcome, nowMs);
          consecutive = outcome === "failure" ? consecutive + 1 : outcome === "success" ? 0 : consecutive;
          const mayOpen = consecutive >= 3 || (before === "half-open" && outcome === "failure");
          expect(breaker.state !== "open" || mayOpen).toBe(true);
        }
        held.forEach((period) => breaker.ended(period, null, nowMs));
        expect(breaker.admits(nowMs + parameters.timeoutMs)).toBe(true);
      }),
      { numRuns: 200, seed: 29 },
    );
  });
});
