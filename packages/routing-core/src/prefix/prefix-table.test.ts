import { describe, expect, it } from "vitest";
import { createBlockHasher } from "./block-keys.ts";
import type { PrefixIndex } from "./prefix-index.ts";
import { createPrefixIndex } from "./prefix-table.ts";

const hasher = createBlockHasher({ blockTokens: 1 });

function matches(index: PrefixIndex, tokens: readonly number[]): number[] {
  const matched = new Int32Array(index.slotCapacity).fill(-1);
  index.match(hasher.hashTokens(Int32Array.from(tokens), {}), matched);
  return [...matched];
}

function insert(index: PrefixIndex, slot: number, tokens: readonly number[]): number {
  return index.insert(hasher.hashTokens(Int32Array.from(tokens), {}), slot);
}

const range = (start: number, end: number): number[] =>
  Array.from({ length: end - start }, (_, i) => start + i);

describe("createPrefixIndex()", () => {
  it("tells for every slot how many leading blocks it holds", () => {
    const index = createPrefixIndex({ slotCapacity: 4, capacityBytes: 1 << 16 });
    expect(insert(index, 0, [1, 2, 3, 4])).toBe(4);
    expect(insert(index, 2, [1, 2, 9])).toBe(3);
    expect(insert(index, 2, [1, 2, 3])).toBe(1);
    expect(matches(index, [1, 2, 3, 4, 5])).toEqual([4, 0, 3, 0]);
    expect(matches(index, [1, 2, 9])).toEqual([2, 0, 3, 0]);
    expect(matches(index, [2])).toEqual([0, 0, 0, 0]);
    expect(matches(index, [])).toEqual([0, 0, 0, 0]);
  });

  it("keeps apart more holders of a block than fit into its entry", () => {
    const index = createPrefixIndex({ slotCapacity: 100, capacityBytes: 1 << 18 });
    for (const slot of range(0, 100)) {
      insert(index, slot, range(0, 1 + (slot % 10)));
    }
    expect(matches(index, range(0, 20))).toEqual(range(0, 100).map((slot) => 1 + (slot % 10)));
    index.clear(37);
    expect(matches(index, range(0, 20))[37]).toBe(0);
    expect(matches(index, range(0, 20))[38]).toBe(9);
    expect(index.stats()).toMatchObject({ blocks: 10, sharedBlocks: 10, holdings: 550 - 8 });
  });

  it("forgets the oldest holder when there is no room for a block shared by many", () => {
    // The bound leaves room for no shared block at all.
    const index = createPrefixIndex({ slotCapacity: 8, capacityBytes: 3400 });
    expect(index.stats().sharedBlockCapacity).toBeLessThan(20);
    for (const token of range(0, 20)) {
      range(0, 8).forEach((slot) => insert(index, slot, [token]));
    }
    const last = matches(index, [19]);
    expect(last.slice(5)).toEqual([1, 1, 1]);
  });

  it("uses the room of shared blocks again when they are evicted", () => {
    const index = createPrefixIndex({ slotCapacity: 32, capacityBytes: 14_000 });
    const { blockCapacity, sharedBlockCapacity } = index.stats();
    expect(sharedBlockCapacity).toBeGreaterThan(blockCapacity / 2);
    for (const token of range(0, 20 * blockCapacity)) {
      // Every fourth block is shared by seven slots, so that there is always room for all that are held.
      const holders = token % 4 > 0 ? [31] : token % 8 > 0 ? range(0, 7) : range(10, 17);
      holders.forEach((slot) => insert(index, slot, [token]));
      const matched = matches(index, [token]);
      expect(range(0, 32).filter((slot) => matched[slot] === 1)).toEqual(holders);
    }
    expect(index.stats().evictedBlocks).toBeGreaterThan(10 * blockCapacity);
    range(0, 32).forEach((slot) => index.clear(slot));
    expect(index.stats()).toMatchObject({ blocks: 0, holdings: 0 });
  });

  it("gives the place of a holder that is gone to the next before it shares", () => {
    const index = createPrefixIndex({ slotCapacity: 16, capacityBytes: 1 << 16 });
    for (const slot of range(0, 16)) {
      insert(index, slot, [1, 2]);
      if (slot % 4 === 3) range(0, slot + 1).forEach((gone) => index.clear(gone));
    }
    expect(index.stats().sharedBlocks).toBe(0);
  });

  it("makes room at once for what is truncated", () => {
    const index = createPrefixIndex({ slotCapacity: 2, capacityBytes: 1700 });
    const { blockCapacity } = index.stats();
    expect(blockCapacity).toBe(32);
    for (const round of range(0, 5)) {
      const prompt = range(round * 100, round * 100 + 16);
      insert(index, 0, prompt);
      index.truncate(hasher.hashTokens(Int32Array.from(prompt), {}), 0, 0);
    }
    expect(index.stats()).toMatchObject({ blocks: 0, evictedBlocks: 0 });
  });

  it("forgets a cleared slot at once and for good", () => {
    const index = createPrefixIndex({ slotCapacity: 4, capacityBytes: 1 << 16 });
    insert(index, 0, range(0, 10));
    insert(index, 1, range(0, 10));
    index.clear(0);
    expect(matches(index, range(0, 10))).toEqual([0, 10, 0, 0]);
    expect(insert(index, 0, range(0, 3))).toBe(3);
    expect(matches(index, range(0, 10))).toEqual([3, 10, 0, 0]);
  });

  it("truncates one slot's path", () => {
    const index = createPrefixIndex({ slotCapacity: 6, capacityBytes: 1 << 16 });
    range(0, 6).forEach((slot) => insert(index, slot, range(0, 10)));
    insert(index, 0, [50, 51, 52]);
    index.truncate(hasher.hashTokens(Int32Array.from(range(0, 10)), {}), 4, 6);
    index.truncate(hasher.hashTokens(Int32Array.from([50, 51, 52]), {}), 0, 1);
    expect(matches(index, range(0, 10))).toEqual([10, 10, 10, 10, 6, 10]);
    expect(matches(index, [50, 51, 52])).toEqual([1, 0, 0, 0, 0, 0]);
  });

  it("expires what an engine of the stated capacity must have evicted, and nothing that it surely holds", () => {
    const index = createPrefixIndex({ slotCapacity: 2, capacityBytes: 1 << 20 });
    index.setCapacity(0, 1000);
    insert(index, 0, range(0, 100));
    insert(index, 1, range(0, 100));
    for (const start of range(1, 9)) {
      insert(index, 0, range(start * 1000, start * 1000 + 100));
      insert(index, 0, range(0, 50));
    }
    expect(matches(index, range(0, 100))).toEqual([100, 100]);
    for (const start of range(10, 15)) {
      insert(index, 0, range(start * 1000, start * 1000 + 100));
    }
    expect(matches(index, range(0, 100))).toEqual([50, 100]);
  });

  it("keeps within its bytes and forgets the least recently used first", () => {
    const index = createPrefixIndex({ slotCapacity: 2, capacityBytes: 1 << 16 });
    const { blockCapacity } = index.stats();
    expect(index.sizeBytes).toBeLessThanOrEqual(1 << 16);
    expect(index.buffer.byteLength).toBe(index.sizeBytes);
    for (const start of range(0, 200)) {
      insert(index, 1, range(0, 50));
      insert(index, 0, range(1000 + start * 50, 1050 + start * 50));
    }
    expect(index.stats().blocks).toBeLessThanOrEqual(blockCapacity);
    expect(index.stats().evictedBlocks).toBeGreaterThan(10_000 - blockCapacity);
    expect(matches(index, range(0, 50))).toEqual([0, 50]);
    expect(matches(index, range(1000, 1050))[0]).toBe(0);
    expect(matches(index, range(10_950, 11_000))[0]).toBe(50);
  });

  it("goes on when its tick counter is moved back", () => {
    const index = createPrefixIndex({ slotCapacity: 2, capacityBytes: 1 << 16 });
    insert(index, 1, [7]);
    index.clear(1);
    new Int32Array(index.buffer)[0] = 2 ** 30 - 1;
    insert(index, 0, [1, 2, 3]);
    expect(new Int32Array(index.buffer)[0]).toBe(2 ** 30);
    insert(index, 1, [1, 2]);
    expect(new Int32Array(index.buffer)[0]).toBe(2 ** 29 + 1);
    expect(matches(index, [1, 2, 3])).toEqual([3, 2]);
    expect(matches(index, [7])).toEqual([0, 0]);
  });

  it("is one index for all objects over one shared buffer", () => {
    const options = { slotCapacity: 4, capacityBytes: 1 << 16 };
    const { sizeBytes } = createPrefixIndex(options);
    const buffer = new SharedArrayBuffer(sizeBytes);
    const writer = createPrefixIndex({ ...options, buffer });
    const reader = createPrefixIndex({ ...options, buffer });
    insert(writer, 3, [1, 2]);
    expect(matches(reader, [1, 2])).toEqual([0, 0, 0, 2]);
  });

  it("refuses sizes it cannot work with", () => {
    expect(() => createPrefixIndex({ slotCapacity: 0 })).toThrow("slotCapacity must be 1 to 65534");
    expect(() => createPrefixIndex({ slotCapacity: 65_535 })).toThrow("slotCapacity");
    expect(() => createPrefixIndex({ slotCapacity: 10, capacityBytes: 100 })).toThrow(
      "capacityBytes must be at least",
    );
    expect(() => createPrefixIndex({ slotCapacity: 10, buffer: new ArrayBuffer(64) })).toThrow("must have");
    const index = createPrefixIndex({ slotCapacity: 10, capacityBytes: 1 << 16 });
    expect(() => index.clear(10)).toThrow("outside the index's 10");
    expect(() => index.setCapacity(0, 0.5)).toThrow("whole number of blocks");
  });
});
