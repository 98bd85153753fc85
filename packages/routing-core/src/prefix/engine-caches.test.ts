import { describe, expect, it } from "vitest";
import { ToldEngine } from "./__fixtures__/told-engine.ts";
import { type BlockKeys, createBlockHasher } from "./block-keys.ts";
import { createEngineCaches, type EngineCaches } from "./engine-caches.ts";
import { createPrefixIndex } from "./prefix-table.ts";

const hasher = createBlockHasher({ blockTokens: 4 });
const range = (start: number, end: number): number[] =>
  Array.from({ length: end - start }, (_, i) => start + i);
const keysOf = (tokens: readonly number[]): BlockKeys =>
  hasher.hashTokens(Int32Array.from([...tokens, 0]), {});

function fleet(speculatedBlocks = 64): { all: EngineCaches; advance: (ms: number) => void } {
  let nowMs = 0;
  const all = createEngineCaches({
    index: createPrefixIndex({ slotCapacity: 3, capacityBytes: 1 << 16 }),
    slotCapacity: 2,
    clock: () => nowMs,
    blockTokens: 4,
    toldBytes: 1 << 14,
    speculationMs: 1_000,
    speculatedBlocks,
  });
  return { all, advance: (ms) => (nowMs += ms) };
}

function matches(all: EngineCaches, tokens: readonly number[]): number[] {
  const matched = new Int32Array(2);
  all.match(keysOf(tokens), matched);
  return [...matched];
}

/** What a dispatcher does: look, then book. */
function place(all: EngineCaches, slot: number, tokens: readonly number[]): void {
  const keys = keysOf(tokens);
  all.match(keys, new Int32Array(2));
  all.insert(keys, slot);
}

describe("createEngineCaches()", () => {
  it("guesses from placements where nothing is told, and forgets that with the first event", () => {
    const { all, advance } = fleet();
    place(all, 0, range(0, 20));
    advance(1e9);
    expect(matches(all, range(0, 20))).toEqual([5, 0]);
    const engine = new ToldEngine(4);
    all.cache(0).beginTelling();
    all.cache(0).apply(engine.stored(range(100, 108)));
    expect(matches(all, range(0, 20))).toEqual([0, 0]);
    expect(matches(all, range(100, 120))).toEqual([2, 0]);
    all.cache(0).endTelling();
    expect(matches(all, range(100, 120))).toEqual([0, 0]);
  });

  it("counts a placement until the engine has had time to tell, then only what it told", () => {
    const { all, advance } = fleet();
    const engine = new ToldEngine(4);
    all.cache(0).beginTelling();
    place(all, 0, range(0, 40));
    expect(matches(all, range(0, 40))).toEqual([10, 0]);
    all.cache(0).apply(engine.stored(range(0, 24)));
    advance(999);
    place(all, 0, range(0, 28));
    expect(matches(all, range(0, 40))).toEqual([10, 0]);
    advance(1);
    all.expire();
    expect(matches(all, range(0, 40))).toEqual([7, 0]);
    advance(999);
    all.expire();
    expect(matches(all, range(0, 40))).toEqual([6, 0]);
    expect(all.stats().speculatedBlocks).toBe(0);
  });

  it("does not count what lies beyond the engine's last whole block", () => {
    const { all } = fleet();
    all.cache(0).beginTelling();
    all.cache(0).setBlockTokens(16);
    place(all, 0, range(0, 30));
    expect(all.stats().speculatedBlocks).toBe(4);
    expect(matches(all, range(0, 60))).toEqual([4, 0]);
  });

  it("takes placements back early when there are too many", () => {
    const { all } = fleet(8);
    all.cache(0).beginTelling();
    place(all, 0, range(0, 32));
    place(all, 0, range(100, 120));
    expect(matches(all, range(100, 120))).toEqual([5, 0]);
    expect(matches(all, range(0, 32))).toEqual([0, 0]);
    expect(all.stats().speculatedBlocks).toBe(8);
  });

  it("keeps what the engine found although it was never told", () => {
    const { all, advance } = fleet();
    all.cache(0).beginTelling();
    place(all, 0, range(0, 40));
    const hit = { claimedTokens: 0, cachedTokens: 24, claimStamp: 0, isFirm: true };
    all.cache(0).observe(hit, () => keysOf(range(0, 40)));
    advance(2_000);
    all.expire();
    expect(matches(all, range(0, 40))).toEqual([6, 0]);
  });

  it("forgets what an engine must have evicted before what it says it has evicted", () => {
    const { all } = fleet();
    place(all, 0, range(0, 20));
    place(all, 0, range(100, 120));
    place(all, 0, range(200, 220));
    place(all, 0, range(100, 120));
    place(all, 0, range(200, 220));
    const hit = { claimedTokens: 20, cachedTokens: 8, claimStamp: all.lastPlacedStamp, isFirm: true };
    expect(all.cache(0).observe({ ...hit, isFirm: false }, () => keysOf([]))).toBe(false);
    expect(matches(all, range(0, 20))).toEqual([5, 0]);
    all.cache(0).observe(hit, () => keysOf([]));
    expect(matches(all, range(0, 20))).toEqual([0, 0]);
    expect(matches(all, range(100, 120))).toEqual([5, 0]);
  });

  it("forgets an engine that finds nothing of three claims in a row", () => {
    const { all } = fleet();
    range(0, 5).forEach((prompt) => place(all, 0, range(prompt * 100, prompt * 100 + 20)));
    const miss = { claimedTokens: 20, cachedTokens: 0, claimStamp: 0, isFirm: true };
    const told = range(0, 3).map((prompt) => {
      place(all, 0, range(prompt * 100, prompt * 100 + 20));
      return all.cache(0).observe(miss, () => keysOf(range(prompt * 100, prompt * 100 + 20)));
    });
    expect(told).toEqual([false, false, true]);
    expect(matches(all, range(400, 420))).toEqual([0, 0]);
    expect(matches(all, range(200, 220))).toEqual([5, 0]);
  });

  it("gives a slot to another engine as if it had never been used", () => {
    const { all } = fleet();
    all.cache(0).beginTelling();
    all.cache(0).apply(new ToldEngine(8).stored(range(0, 16), 0, { medium: "storage" }));
    all.reset(0);
    expect(matches(all, range(0, 16))).toEqual([0, 0]);
    expect(all.stats().toldBlocks).toBe(0);
    expect(all.cache(0)).toMatchObject({ isTold: false, blocksPerEngineBlock: 1 });
  });
});
