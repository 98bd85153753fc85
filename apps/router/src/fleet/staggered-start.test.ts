import { describe, expect, it } from "vitest";
import { createFakeTimers } from "../../test/fake-timers.ts";
import { StaggeredStart } from "./staggered-start.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("StaggeredStart", () => {
  it("lets a few begin, and the next when one ends", async () => {
    const start = new StaggeredStart(createFakeTimers());
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    for (let index = 0; index < 7; index++) {
      void start.turn().then((end) => {
        begun.push(index);
        ends.push(end);
      });
    }
    await settle();
    expect(begun).toEqual([0, 1, 2, 3]);
    ends[2]?.();
    ends[2]?.();
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
});
