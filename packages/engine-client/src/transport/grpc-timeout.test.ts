import { describe, expect, it } from "vitest";
import { grpcTimeout, timerDelay } from "./grpc-timeout.ts";

describe("grpcTimeout()", () => {
  it.each([
    [0, "1m"],
    [0.2, "1m"],
    [1500, "1500m"],
    [99_999_999, "99999999m"],
    [100_000_000, "100000S"],
    [99_999_999_000, "99999999S"],
    [1e12, "277778H"],
    [Number.MAX_SAFE_INTEGER, "99999999H"],
  ])("writes %d ms as %s", (remainingMs, expected) => {
    expect(grpcTimeout(remainingMs)).toBe(expected);
  });
});

describe("timerDelay()", () => {
  it("stays within what a timer can be given", () => {
    expect([timerDelay(-5), timerDelay(7), timerDelay(1e13)]).toEqual([0, 7, 2_147_483_647]);
  });
});
