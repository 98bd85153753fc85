import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTokenBucket } from "./token-bucket.ts";

describe("createTokenBucket()", () => {
  it("starts full, refills with time and never overflows", () => {
    const bucket = createTokenBucket({ capacity: 2, refillPerSecond: 4, startAtMs: 100 });
    expect([1, 2, 3].map(() => bucket.tryTake(100))).toEqual([true, true, false]);
    expect(bucket.nextTokenAtMs(100)).toBe(350);
    expect([bucket.tryTake(349), bucket.tryTake(350), bucket.tryTake(350)]).toEqual([false, true, false]);
    expect([1, 2, 3].map(() => bucket.tryTake(99_999))).toEqual([true, true, false]);
    bucket.add(10);
    expect([1, 2, 3].map(() => bucket.tryTake(99_999))).toEqual([true, true, false]);
  });

  it("says when no token will ever come", () => {
    const bucket = createTokenBucket({ capacity: 1, refillPerSecond: 0, startAtMs: 0 });
    expect(bucket.nextTokenAtMs(5)).toBe(5);
    bucket.tryTake(5);
    expect(bucket.nextTokenAtMs(5)).toBe(Infinity);
  });

  it("gives a token at the instant it promised, and not more than the rate allows", () => {
    const steps = fc.array(fc.nat(500), { maxLength: 60 });
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 50 }),
        (waits, capacity, rate) => {
          const bucket = createTokenBucket({ capacity, refillPerSecond: rate, startAtMs: 0 });
          let nowMs = 0;
          let taken = 0;
          for (const waitMs of waits) {
            nowMs += waitMs;
            while (bucket.tryTake(nowMs)) taken += 1;
            expect(taken).toBeLessThanOrEqual(capacity + (nowMs * rate) / 1000 + 1e-6);
            nowMs = bucket.nextTokenAtMs(nowMs);
            expect(bucket.tryTake(nowMs)).toBe(true);
            taken += 1;
          }
        },
      ),
      { numRuns: 100, seed: 37 },
    );
  });
});
