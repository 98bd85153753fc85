import { describe, expect, it } from "vitest";
import { StretchCache } from "./stretch-cache.ts";

const LONG = "a sentence of some length, said again and again. ".repeat(4);
const IDS = Int32Array.of(1, 2, 3);

describe("StretchCache", () => {
  it("wants what it sees a second time, and gives it back", () => {
    const cache = new StretchCache();
    expect(cache.get(LONG)).toBeUndefined();
    expect(cache.wants(LONG)).toBe(false);
    expect(cache.wants(LONG)).toBe(true);
    cache.set(LONG, IDS);
    expect(cache.get(`${LONG}`)).toBe(IDS);
    expect(cache.get(`${LONG}.`)).toBeUndefined();
  });

  it("leaves short and very long stretches alone", () => {
    const cache = new StretchCache();
    for (const stretch of ["short", "x".repeat(200_000)]) {
      expect([cache.wants(stretch), cache.wants(stretch)]).toEqual([false, false]);
    }
  });

  it("keeps every kind of character", () => {
    const cache = new StretchCache();
    const text = "é😀漢\u0000".repeat(3000);
    cache.set(text, IDS);
    expect(cache.get("é😀漢\u0000".repeat(3000))).toBe(IDS);
  });

  it("tells stretches apart that differ where it does not look first", () => {
    const cache = new StretchCache();
    const one = `${"x".repeat(5_000)}a${"y".repeat(5_000)}`;
    for (let at = 0; at < 300; at++) {
      const other = `${one.slice(0, 100 + at)}#${one.slice(101 + at)}`;
      cache.set(one, IDS);
      expect(cache.get(other)).toBeUndefined();
      cache.set(other, Int32Array.of(at));
      expect(cache.get(other)).toEqual(Int32Array.of(at));
      expect(cache.get(one) ?? IDS).toBe(IDS);
    }
  });

  it("forgets the oldest, and keeps what is used", () => {
    const cache = new StretchCache();
    const stretch = (number: number): string => `${number} `.padEnd(100_000, "x");
    cache.set(stretch(0), IDS);
    cache.set(stretch(1), IDS);
    for (let number = 2; number < 60; number++) {
      cache.set(stretch(number), IDS);
      cache.get(stretch(0));
    }
    expect(cache.get(stretch(0))).toBe(IDS);
    expect(cache.get(stretch(1))).toBeUndefined();
  });
});
