import { describe, expect, it } from "vitest";
import { type PlacedWork, RECENT_WORK_HEAD, RecentWork } from "./recent-work.ts";

const given = (work: number, slots: number, when: Partial<PlacedWork> = {}): PlacedWork => ({
  work,
  slots,
  atMs: 0,
  isAfterIdleness: false,
  ...when,
});

describe("RecentWork", () => {
  it("is one for all who share its memory", () => {
    const memory = new Float64Array(RECENT_WORK_HEAD + 4);
    const [one, two, all] = [new RecentWork(memory), new RecentWork(memory), new RecentWork()];
    for (let placement = 0; placement < 100_000; placement += 1) {
      const placed = {
        work: placement % 7,
        slots: 4,
        atMs: 3 * placement,
        isAfterIdleness: placement % 9 === 0,
      };
      (placement % 3 === 0 ? one : two).add(placement % 4, placed);
      all.add(placement % 4, placed);
    }
    expect([0, 1, 2, 3].map((slot) => one.of(slot))).toEqual([0, 1, 2, 3].map((slot) => all.of(slot)));
    expect([0, 1, 2, 3].map((slot) => two.of(slot))).toEqual([0, 1, 2, 3].map((slot) => all.of(slot)));
    // Beyond what there is room for nothing is remembered.
    one.add(4, given(1, 4));
    expect(one.of(4)).toBe(0);
  });

  it("knows nothing of a slot at first, however high", () => {
    const work = new RecentWork();
    work.add(1, given(1000, 4));
    expect(work.of(0)).toBe(0);
    expect(work.of(5000)).toBe(0);
    work.add(5000, given(1000, 4));
    expect(work.of(5000)).toBeGreaterThan(0);
  });

  it("counts work the less the longer ago: to a third within 25 placements per slot", () => {
    const work = new RecentWork();
    work.add(0, given(1000, 4));
    for (let placement = 0; placement < 100; placement += 1) {
      work.add(1, given(0, 4));
    }
    work.add(2, given(1000, 4));
    expect(work.of(2)).toBe(1000);
    expect(work.of(0) / work.of(2)).toBeCloseTo(Math.exp(-1), 1);
  });

  it("keeps the order and stays finite however long it goes on", () => {
    const work = new RecentWork();
    for (let placement = 0; placement < 1_000_000; placement += 1) {
      work.add(placement % 3, given(placement % 3 === 0 ? 10 : 5, 3));
    }
    expect(work.of(0)).toBeLessThan(Infinity);
    expect(work.of(0)).toBeGreaterThan(1.5 * work.of(1));
    expect(work.of(2)).toBeGreaterThan(work.of(1));
  });

  it("forgets while nobody has anything to do, but not who has waited longest", () => {
    const work = new RecentWork();
    work.add(0, given(50_000, 4));
    work.add(1, given(50_000, 4, { atMs: 1000 }));
    // Time alone changes nothing: there was work all the while.
    expect(work.of(0) / work.of(1)).toBeGreaterThan(0.9);
    work.add(2, given(100, 4, { atMs: 2000, isAfterIdleness: true }));
    expect(work.of(0)).toBeLessThan(10);
    expect(work.of(2)).toBe(100);
    // A day later.
    work.add(3, given(1, 4, { atMs: 1e8, isAfterIdleness: true }));
    expect(work.of(3)).toBe(1);
    expect([work.of(2) < 1, work.of(1) < work.of(2), work.of(0) < work.of(1), work.of(0) > 0]).toEqual(
      Array.from({ length: 4 }, () => true),
    );
  });
});
