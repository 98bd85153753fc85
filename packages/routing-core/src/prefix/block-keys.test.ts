import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BlockKeys, createBlockHasher } from "./block-keys.ts";

const copy = (keys: BlockKeys): string[] =>
  Array.from({ length: keys.count }, (_, block) => `${keys.words[2 * block]}:${keys.words[2 * block + 1]}`);

describe("createBlockHasher()", () => {
  it("hashes full blocks only", () => {
    const hasher = createBlockHasher({ blockTokens: 4, blockBytes: 4 });
    expect(hasher.hashTokens(new Int32Array(11), {})).toMatchObject({
      count: 2,
      blockUnits: 4,
      totalUnits: 11,
    });
    expect(hasher.hashTokens(new Int32Array(3), {}).count).toBe(0);
    expect(hasher.hashText("abcdéfghi", {})).toMatchObject({ count: 2, blockUnits: 4, totalUnits: 10 });
  });

  it("gives a text and its bytes the same keys, wherever the bytes begin", () => {
    const hasher = createBlockHasher({ blockBytes: 4, maxBlocks: 20 });
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), fc.nat(3), (text, offset) => {
        const bytes = new TextEncoder().encode("x".repeat(offset) + text).subarray(offset);
        const keys = copy(hasher.hashText(text, {}));
        expect(copy(hasher.hashText(bytes, {}))).toEqual(keys);
        expect(hasher.hashText(bytes, {}).totalUnits).toBe(bytes.length);
      }),
    );
  });

  it("stops at its bound", () => {
    const hasher = createBlockHasher({ blockTokens: 1, maxBlocks: 1000 });
    expect(hasher.hashTokens(new Int32Array(5000), {})).toMatchObject({ count: 1000, totalUnits: 5000 });
  });

  it("keeps apart what shares no cache", () => {
    const hasher = createBlockHasher({ blockTokens: 4, blockBytes: 4 });
    const tokens = new Int32Array(4);
    const roots = [
      {},
      { loraName: "a" },
      { loraName: "" },
      { cacheSalt: "a" },
      { loraName: "a", cacheSalt: "a" },
    ];
    const keys = roots.map((root) => copy(hasher.hashTokens(tokens, root))[0]);
    keys.push(copy(hasher.hashText("\0\0\0\0", {}))[0]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("gives the same keys to prompts that come again, grown or branched off, whatever they start from", () => {
    const turn = fc.tuple(
      fc.array(fc.nat(3), { maxLength: 30 }),
      fc.nat(60),
      fc.constantFrom(undefined, undefined, "salt"),
    );
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 12 }), (turns) => {
        const options = { blockTokens: 4, maxBlocks: 12 };
        const hasher = createBlockHasher(options);
        let earlier: Int32Array | undefined;
        for (const [added, kept, cacheSalt] of turns) {
          const shared = Math.min(kept, earlier?.length ?? 0);
          const tokenIds = Int32Array.from([...(earlier ?? []).slice(0, shared), ...added]);
          const expected = copy(createBlockHasher(options).hashTokens(tokenIds, { cacheSalt }));
          const root = { cacheSalt, recurring: { earlier, shared } };
          expect(copy(hasher.hashTokens(tokenIds, root))).toEqual(expected);
          expect(copy(hasher.hashTokens(tokenIds, root))).toEqual(expected);
          earlier = tokenIds;
        }
      }),
    );
  });

  it("does not look again at what a prompt shares with an earlier one", () => {
    const hasher = createBlockHasher({ blockTokens: 4 });
    const first = Int32Array.from({ length: 20 }, (_, index) => index);
    const keys = copy(hasher.hashTokens(first, { recurring: { earlier: undefined, shared: 0 } }));
    const grown = new Int32Array(25);
    grown.set(first.subarray(16), 16);
    expect(copy(hasher.hashTokens(grown, { recurring: { earlier: first, shared: 18 } })).slice(0, 5)).toEqual(
      keys,
    );
  });

  it("gives equal keys exactly up to the block in which two prompts part", () => {
    const prompt = fc.array(fc.nat(3), { maxLength: 60 });
    fc.assert(
      fc.property(prompt, prompt, prompt, (shared, left, right) => {
        const hasher = createBlockHasher({ blockTokens: 4, blockBytes: 4 });
        const both = [left, right].map((tail) => [...shared, ...tail]);
        const same = both[0]!.findIndex((token, index) => token !== both[1]![index]);
        const parted = same < 0 ? Math.min(both[0]!.length, both[1]!.length) : same;
        for (const hash of [
          (units: number[]) => copy(hasher.hashTokens(Int32Array.from(units), {})),
          (units: number[]) => copy(hasher.hashText(String.fromCharCode(...units), {})),
        ]) {
          const [a, b] = [hash(both[0]!), hash(both[1]!)];
          const equal = Math.floor(parted / 4);
          expect(a!.slice(0, equal)).toEqual(b!.slice(0, equal));
          expect(a!.slice(equal).filter((key) => b!.includes(key))).toEqual([]);
        }
      }),
      { numRuns: 300, seed: 9 },
    );
  });

  it("tells prompts apart that differ in a token or two, by either word of the key", () => {
    const hasher = createBlockHasher();
    const prompt = new Int32Array(16);
    const lows = new Set<number>();
    const highs = new Set<number>();
    let prompts = 0;
    for (let first = 0; first < 16; first += 1) {
      for (let second = first; second < 16; second += 1) {
        for (let token = 1; token < 300; token += 1) {
          prompt.fill(0);
          prompt[first] = token;
          prompt[second] = 300 - token;
          const { words } = hasher.hashTokens(prompt, {});
          lows.add(words[0]!);
          highs.add(words[1]!);
          prompts += 1;
        }
      }
    }
    // By chance alone 40,000 random 32-bit numbers collide less than once.
    expect(prompts - lows.size).toBeLessThan(10);
    expect(prompts - highs.size).toBeLessThan(10);
  });

  it("has neither collisions nor zero high words among 200,000 blocks of counting tokens", () => {
    const hasher = createBlockHasher({ blockTokens: 1, maxBlocks: 200_000 });
    const keys = hasher.hashTokens(
      Int32Array.from({ length: 200_000 }, (_, index) => index % 7),
      {},
    );
    const seen = new Set<number>();
    let zeros = 0;
    for (let block = 0; block < keys.count; block += 1) {
      zeros += keys.words[2 * block + 1] === 0 ? 1 : 0;
      seen.add((keys.words[2 * block]! >>> 0) * 2 ** 21 + (keys.words[2 * block + 1]! >>> 11));
    }
    expect({ zeros, distinct: seen.size }).toEqual({ zeros: 0, distinct: 200_000 });
  });
});
