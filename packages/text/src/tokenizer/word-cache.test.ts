import { describe, expect, it } from "vitest";
import { WordCache } from "./word-cache.ts";

describe("WordCache", () => {
  it("remembers words and forgets the oldest when it is full", () => {
    const cache = new WordCache(2);
    for (const [index, word] of ["a", "b", "c", "d"].entries()) cache.set(word, index);
    cache.set("e", 4);
    expect(cache.get("a")).toBeUndefined();
    expect(cache.get("e")).toBe(4);
    expect(cache.get("d")).toBe(3);
  });

  it("keeps words in use", () => {
    const cache = new WordCache(2);
    cache.set("often", 7);
    for (let round = 0; round < 100; round++) {
      cache.set(`rare${round}`, round);
      expect(cache.get("often")).toBe(7);
    }
  });

  it("does not keep very long words", () => {
    const cache = new WordCache(2);
    cache.set("x".repeat(63), 1);
    cache.set("x".repeat(64), 2);
    expect([cache.get("x".repeat(63)), cache.get("x".repeat(64))]).toEqual([1, undefined]);
  });
});
