import { describe, expect, it } from "vitest";
import { createFakeTimers } from "../../test/fake-timers.ts";
import { StaggeredStart, type StartTurn } from "./staggered-start.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("StaggeredStart", () => {
  it("lets a few begin, and the next when one ends", async () => {
    const start = new StaggeredStart(createFakeTimers());
    const begun: number[] = [];
    const turns: StartTurn[] = [];
    for (let index = 0; index < 7; index++) {
      void start.turn().then((turn) => {
        begun.push(index);
        turns.push(turn);
      });
    }
    await settle();
    expect(begun).toEqual([0, 1, 2, 3]);
    turns[2]?.end();
    turns[2]?.end();
    await settle();
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  it("does not wait for those that are silent", async () => {
    const timers = createFakeTimers();
    const start = new StaggeredStart(timers);
    const begun: number[] = [];
    for (let index = 0; index < 10; index++) void start.turn().then(() => begun.push(index));
    await settle();
    await timers.advance(100);
    await settle();
    expect(begun).toHaveLength(8);
    await timers.advance(100);
    await settle();
    expect(begun).toHaveLength(10);
  });

  it("waits longer for those that have answered", async () => {
    const timers = createFakeTimers();
    const start = new StaggeredStart(timers);
    const begun: number[] = [];
    for (let index = 0; index < 9; index++) {
      void start.turn().then((turn) => {
        begun.push(index);
        if (index > 0) turn.answers();
        turn.answers();
        if (index === 8) turn.end();
      });
    }
    await settle();
    await timers.advance(999);
    await settle();
    expect(begun).toHaveLength(4);
    await timers.advance(1);
    await settle();
    expect(begun).toHaveLength(8);
    await timers.advance(1000);
    await settle();
    expect(begun).toHaveLength(9);
  });
});
