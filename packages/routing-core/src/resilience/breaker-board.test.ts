import { describe, expect, it } from "vitest";
import { createBreakerBoard } from "./breaker-board.ts";
import { BREAKER_DEFAULTS } from "./circuit-breaker.ts";

function setUp() {
  const clock = { nowMs: 0 };
  const changes: string[] = [];
  const board = createBreakerBoard({
    parameters: { ...BREAKER_DEFAULTS, failureThreshold: 2, timeoutMs: 100 },
    clock: () => clock.nowMs,
    onChange: (slot, { from, to }) => changes.push(`${slot} ${from} ${to}`),
  });
  const fail = (slot: number): void => board.ended(slot, board.started(slot), "failure");
  return { board, clock, changes, fail };
}

describe("createBreakerBoard()", () => {
  it("keeps a breaker per worker", () => {
    const { board, clock, changes, fail } = setUp();
    fail(1);
    fail(1);
    fail(2);
    expect([0, 1, 2].map((slot) => board.state(slot))).toEqual(["closed", "open", "closed"]);
    expect([0, 1, 2].map((slot) => board.admits(slot, 0))).toEqual([true, false, true]);
    expect(board.nextDeadlineAtMs()).toBe(100);
    clock.nowMs = 100;
    board.expire(100);
    expect([board.state(1), board.nextDeadlineAtMs()]).toEqual(["half-open", Infinity]);
    expect(changes).toEqual(["1 closed open", "1 open half-open"]);
  });

  it("knows whether everybody may be asked", () => {
    const { board, clock, fail } = setUp();
    fail(1);
    expect(board.admitsAll()).toBe(true);
    fail(1);
    expect(board.admitsAll()).toBe(false);
    clock.nowMs = 100;
    board.expire(100);
    expect(board.admitsAll()).toBe(false);
    board.forget(1);
    expect(board.admitsAll()).toBe(true);
  });

  it("forgets a worker together with what is still under way on it", () => {
    const { board, fail } = setUp();
    fail(1);
    const old = board.started(1);
    board.forget(1);
    fail(1);
    board.ended(1, old, "failure");
    expect(board.state(1)).toBe("closed");
    board.ended(7, 0, "failure");
    expect(board.state(7)).toBe("closed");
  });
});
