import { describe, expect, it } from "vitest";
import { ToldEngine } from "./__fixtures__/told-engine.ts";
import { createBlockHasher } from "./block-keys.ts";
import { createEngineCaches, type EngineCaches } from "./engine-caches.ts";
import type { KvEvent } from "./kv-event.ts";
import { createPrefixIndex } from "./prefix-table.ts";

const SLOTS = 4;
const BLOCK = 4;
const hasher = createBlockHasher({ blockTokens: BLOCK });

function caches(options: { toldBytes?: number; spareSlots?: number } = {}): EngineCaches {
  const index = createPrefixIndex({
    slotCapacity: SLOTS + (options.spareSlots ?? 4),
    capacityBytes: 1 << 18,
  });
  return createEngineCaches({
    index,
    slotCapacity: SLOTS,
    clock: () => 0,
    blockTokens: BLOCK,
    toldBytes: options.toldBytes ?? 1 << 16,
  });
}

function tell(all: EngineCaches, slot: number, ...events: KvEvent[]): void {
  const cache = all.cache(slot);
  cache.beginTelling();
  for (const event of events) {
    cache.apply(event);
  }
}

function matches(
  all: EngineCaches,
  tokens: readonly number[],
  root: { loraName?: string; cacheSalt?: string } = {},
): number[] {
  const matched = new Int32Array(SLOTS);
  // One token more, since engines always compute the last one.
  all.match(hasher.hashTokens(Int32Array.from([...tokens, 0]), root), matched);
  return [...matched];
}

const range = (start: number, end: number): number[] =>
  Array.from({ length: end - start }, (_, i) => start + i);

describe("EngineCache", () => {
  it("claims what an engine stored, block by block, and no more", () => {
    const all = caches();
    const engine = new ToldEngine(BLOCK);
    tell(all, 1, engine.stored(range(0, 20)), engine.stored(range(0, 40), 5));
    expect(matches(all, range(0, 60))).toEqual([0, 10, 0, 0]);
    expect(matches(all, [...range(0, 26), ...range(90, 99)])).toEqual([0, 6, 0, 0]);
    tell(all, 1, engine.removed(range(0, 40), 7));
    expect(matches(all, range(0, 60))).toEqual([0, 7, 0, 0]);
    expect(all.cache(1).counts).toMatchObject({ stored: 10, removed: 3, orphans: 0 });
    expect(all.cache(1).toldBlocks).toBe(7);
    tell(all, 1, { kind: "cleared" });
    expect(matches(all, range(0, 60))).toEqual([0, 0, 0, 0]);
    tell(all, 1, engine.stored(range(0, 20)));
    expect(matches(all, range(0, 60))).toEqual([0, 5, 0, 0]);
  });

  it("does not claim the block that holds a prompt's last token", () => {
    const all = caches();
    tell(all, 0, new ToldEngine(BLOCK).stored(range(0, 8)));
    const matched = new Int32Array(SLOTS);
    expect(all.match(hasher.hashTokens(Int32Array.from(range(0, 8)), {}), matched)).toBe(1);
    expect(matched[0]).toBe(1);
  });

  it("learns larger blocks and claims whole ones", () => {
    const all = caches();
    const engine = new ToldEngine(4 * BLOCK);
    tell(all, 0, engine.stored(range(0, 32)));
    tell(all, 2, new ToldEngine(BLOCK).stored(range(0, 28)));
    expect(matches(all, range(0, 40))).toEqual([8, 0, 7, 0]);
    expect(matches(all, range(0, 28))).toEqual([4, 0, 7, 0]);
    tell(all, 0, engine.removed(range(0, 32), 1));
    expect(matches(all, range(0, 40))).toEqual([4, 0, 7, 0]);
  });

  it("leaves out blocks that do not fit into its own and those of unknown descent, and says so", () => {
    const all = caches();
    const engine = new ToldEngine(BLOCK);
    tell(all, 0, engine.stored(range(0, 40), 5));
    expect(matches(all, range(0, 40))).toEqual([0, 0, 0, 0]);
    expect(all.cache(0).counts).toMatchObject({ misfits: 0, orphans: 5, stored: 0 });
    tell(
      all,
      0,
      engine.stored(range(0, 8)),
      new ToldEngine(6).stored(range(0, 12)),
      engine.stored(range(0, 40)),
    );
    // Its events go unused from there on, and it is guessed as if it sent none.
    expect(matches(all, range(0, 40))).toEqual([0, 0, 0, 0]);
    expect(all.cache(0)).toMatchObject({ isTold: false, misfitTokens: 6, toldBlocks: 0 });
    expect(all.cache(0).counts.misfits).toBe(12);
    all.insert(createBlockHasher({ blockTokens: BLOCK }).hashTokens(Int32Array.from(range(0, 41)), {}), 0);
    expect(matches(all, range(0, 41))[0]).toBe(10);
  });

  it("counts the copies of a block", () => {
    const all = caches();
    const engine = new ToldEngine(BLOCK);
    tell(all, 0, engine.stored(range(0, 8)), engine.stored(range(0, 8)), engine.removed(range(0, 8), 1));
    expect(matches(all, range(0, 8))).toEqual([2, 0, 0, 0]);
    tell(all, 0, engine.removed(range(0, 8), 1));
    expect(matches(all, range(0, 8))).toEqual([1, 0, 0, 0]);
  });

  it("keeps adapters, salts and media apart", () => {
    const all = caches();
    const lora = new ToldEngine(BLOCK);
    const tokens = range(0, 8);
    tell(all, 0, lora.stored(tokens, 0, { loraName: "sql", extraKeys: [["sql"], ["sql"]] }));
    tell(all, 1, new ToldEngine(BLOCK).stored(tokens, 0, { extraKeys: [["salt"], null] }));
    tell(all, 2, new ToldEngine(BLOCK).stored(tokens, 0, { extraKeys: [null, ["\0mm:cat:4"]] }));
    tell(
      all,
      3,
      new ToldEngine(BLOCK).stored(tokens, 0, {
        loraName: "sql",
        extraKeys: [["sql", "salt"], ["sql"]],
      }),
    );
    expect(matches(all, tokens)).toEqual([0, 0, 1, 0]);
    expect(matches(all, tokens, { loraName: "sql" })).toEqual([2, 0, 0, 0]);
    expect(matches(all, tokens, { cacheSalt: "salt" })).toEqual([0, 2, 0, 0]);
    expect(matches(all, tokens, { loraName: "sql", cacheSalt: "salt" })).toEqual([0, 0, 0, 2]);
  });

  it("follows the group of full attention", () => {
    const all = caches();
    const engine = new ToldEngine(BLOCK);
    const tokens = range(0, 16);
    tell(
      all,
      0,
      engine.stored(tokens, 0, { group: 0, groupKind: "sliding_window" }),
      engine.stored(range(0, 8), 0, { group: 1, groupKind: "full_attention" }),
      engine.removed(tokens, 0, { group: 0 }),
    );
    expect(matches(all, tokens)).toEqual([2, 0, 0, 0]);
    expect(all.cache(0).counts.otherGroups).toBe(8);
    tell(all, 0, engine.removed(range(0, 8), 1, { group: 1 }));
    expect(matches(all, tokens)).toEqual([1, 0, 0, 0]);
  });

  it("counts what lies outside device memory for less", () => {
    const all = caches();
    const engine = new ToldEngine(BLOCK);
    const tokens = range(0, 80);
    tell(all, 0, engine.stored(tokens));
    // Offloading says only which blocks; the tokens are known.
    tell(all, 0, { ...engine.stored(tokens), tokenIds: new Int32Array(0), medium: "host" });
    tell(all, 0, engine.removed(tokens, 10));
    expect(matches(all, tokens)).toEqual([10 + 8, 0, 0, 0]);
    tell(all, 0, engine.stored(range(0, 160), 20, { medium: "storage" }));
    expect(matches(all, range(0, 160))).toEqual([10 + 8 + 8, 0, 0, 0]);
    tell(all, 0, engine.removed(tokens, 0, { medium: "host" }));
    expect(matches(all, range(0, 160))).toEqual([10, 0, 0, 0]);
  });

  it("does without media it has no room for", () => {
    const all = caches({ spareSlots: 0 });
    const engine = new ToldEngine(BLOCK);
    tell(all, 0, engine.stored(range(0, 8), 0, { medium: "host" }), engine.stored(range(0, 4)));
    expect(matches(all, range(0, 8))).toEqual([1, 0, 0, 0]);
  });

  it("keeps its bound, and claims nothing that it has no record of", () => {
    const all = caches({ toldBytes: 1 << 13 });
    const engine = new ToldEngine(2 * BLOCK);
    const { toldBlockCapacity } = (tell(all, 0, engine.stored(range(0, 8))), all.stats());
    const prompts = range(1, 2 * toldBlockCapacity).map((start) =>
      range(start * 100, start * 100 + 24 + 8 * (start % 4)),
    );
    for (const [at, prompt] of prompts.entries()) {
      tell(all, at % 2, engine.stored(prompt));
      // What came last is there as a whole, whatever gave way for it.
      expect(matches(all, prompt)[at % 2]).toBe(prompt.length / BLOCK);
    }
    const stats = all.stats();
    expect(stats.toldBlocks).toBeLessThanOrEqual(toldBlockCapacity);
    expect(stats.sizeBytes).toBeLessThanOrEqual(1 << 13);
    expect(stats.droppedBlocks).toBeGreaterThan(toldBlockCapacity);
    const claimed = prompts.reduce((sum, prompt, at) => sum + matches(all, prompt)[at % 2]!, 0);
    expect(claimed).toBeGreaterThan(toldBlockCapacity / 2);
    expect(claimed).toBeLessThanOrEqual(stats.toldBlocks);
    expect(all.cache(0).toldBlocks + all.cache(1).toldBlocks).toBe(stats.toldBlocks);
  });
});
