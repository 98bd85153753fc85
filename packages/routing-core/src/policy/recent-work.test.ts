import { describe, expect, it } from "vitest";
import { RECENT_WORK_HEAD, RecentWork } from "./recent-work.ts";

describe("RecentWork", () => {
  it("is one for all who share its memory", () => {
    const memory = new Float64Array(RECENT_WORK_HEAD + 4);
    const [one, two, all] = [new RecentWork(memory), new RecentWork(memory), new RecentWork()];
    for (let placement = 0; placement < 100_000; placement += 1) {
      (placement % 3 === 0 ? one : two).add(placement % 4, placement % 7, 4);
      all.add(placement % 4, placement % 7, 4);
    }
    expect([0, 1, 2, 3].map((slot) => one.of(slot))).toEqual([0, 1, 2, 3].map((slot) => all.of(slot)));
    expect([0, 1, 2, 3].map((slot) => two.of(slot))).toEqual([0, 1, 2, 3].map((slot) => all.of(slot)));
    // Beyond what there is room for nothing is remembered.
    one.add(4, 1, 4);
    expect(one.of(4)).toBe(0);
  });

  it("knows nothing of a slot at first, however high", () => {
    const work = new RecentWork();
    work.add(1, 1000, 4);
    expect(work.of(0)).toBe(0);
    expect(work.of(5000)).toBe(0);
    work.add(5000, 1000, 4);
    expect(work.of(5000)).toBeGreaterThan(0);
  });

  it("counts work the less the longer ago: to a third within 25 placements per slot", () => {
    const work = new RecentWork();
    work.add(0, 1000, 4);
    const before = work.of(0);
    for (let placement = 0; placement < 100; placement += 1) {
      work.add(1, 0, 4);
    }
    work.add(2, 1000, 4);
    expect(work.of(0)).toBe(before);
    expect(work.of(0) / work.of(2)).toBeCloseTo(Math.exp(-1), 1);
  });

  it("keeps the order and stays finite however long it goes on", () => {
    const work = new RecentWork();
    for (let placement = 0; placement < 1_000_000; placement += 1) {
      work.add(placement % 3, placement % 3 === 0 ? 10 : 5, 3);
    }
    expect(work.of(0)).toBeLessThan(Infinity);
    expect(work.of(0)).toBeGreaterThan(1.5 * work.of(1));
    expect(work.of(2)).toBeGreaterThan(work.of(1));
  });
});
