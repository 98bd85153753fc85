import { describe, expect, it } from "vitest";
import { LaterTidying } from "./later-tidying.ts";

/** A router that is as busy as is said, its clock, and how often it was tidied. */
function router(): {
  readonly tidying: LaterTidying;
  readonly state: { isServing: boolean; utilization: number; collected: number; hasReducer: boolean };
  /** Lets all timers fire once. @returns how many there were */
  readonly turn: () => number;
} {
  const state = { isServing: false, utilization: 0, collected: 0, hasReducer: true };
  let waiting: (() => void)[] = [];
  const tidying = new LaterTidying({
    timers: {
      after: (_delayMs, action) => {
        waiting.push(action);
        return () => undefined;
      },
    },
    isServing: () => state.isServing,
    utilization: () => state.utilization,
    collect: () => {
      state.collected += 1;
      expect(state.hasReducer).toBe(false);
    },
    setReducer: (isOn) => {
      state.hasReducer = isOn;
    },
  });
  const turn = (): number => {
    const due = waiting;
    waiting = [];
    due.forEach((action) => action());
    return due.length;
  };
  return { tidying, state, turn };
}

describe("LaterTidying", () => {
  it("does nothing until it is asked, and then not at once", () => {
    const { tidying, state, turn } = router();
    expect(turn()).toBe(0);
    tidying.ask();
    expect(state.collected).toBe(0);
    turn();
    expect(state.collected).toBe(1);
  });

  it("waits while requests run, and while the process is busy", () => {
    const { tidying, state, turn } = router();
    state.isServing = true;
    tidying.ask();
    turn();
    expect(state.collected).toBe(0);
    state.isServing = false;
    state.utilization = 0.9;
    turn();
    expect(state.collected).toBe(0);
    state.utilization = 0.01;
    turn();
    expect(state.collected).toBe(1);
  });

  it("tidies once for all who ask meanwhile, and again for who asks later", () => {
    const { tidying, state, turn } = router();
    tidying.ask();
    tidying.ask();
    expect(turn()).toBe(1);
    expect(state.collected).toBe(1);
    // The one that lets V8 tidy up again.
    expect(turn()).toBe(1);
    expect([state.collected, state.hasReducer, turn()]).toEqual([1, true, 0]);
    tidying.ask();
    turn();
    expect(state.collected).toBe(2);
  });

  it("gives up on a router that serves all the time", () => {
    const { tidying, state, turn } = router();
    state.isServing = true;
    tidying.ask();
    let looks = 0;
    while (turn() > 0 && looks < 1_000) {
      looks += 1;
    }
    expect(looks).toBe(200);
    expect(state.collected).toBe(0);
  });
});
