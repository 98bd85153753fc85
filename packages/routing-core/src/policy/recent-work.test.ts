import { describe, expect, it } from "vitest";
import { RecentWork } from "./recent-work.ts";

describe("RecentWork", () => {
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
