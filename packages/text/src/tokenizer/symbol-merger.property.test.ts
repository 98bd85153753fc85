import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MergeTable } from "./merge-table.ts";
import { SymbolMerger } from "./symbol-merger.ts";

const LETTERS = 4;

/** Merges written down plainly: the lowest rank first, the leftmost of equals, until none is left. */
function mergePlainly(
  symbols: readonly number[],
  merges: ReadonlyMap<string, { rank: number; token: number }>,
): number[] {
  const result = [...symbols];
  for (;;) {
    let best: { index: number; rank: number; token: number } | undefined;
    for (let index = 0; index + 1 < result.length; index++) {
      const merge = merges.get(`${result[index]},${result[index + 1]}`);
      if (merge !== undefined && (best === undefined || merge.rank < best.rank)) best = { index, ...merge };
    }
    if (best === undefined) return result;
    result.splice(best.index, 2, best.token);
  }
}

const symbol = fc.nat(LETTERS - 1);
/** Side of a merge: a letter or one of the first merged tokens, so that merges build on merges. */
const part = fc.oneof(symbol, symbol, fc.integer({ min: LETTERS, max: LETTERS + 12 }));

describe("SymbolMerger", () => {
  it("merges short and long words as the plain rule does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(part, part), { maxLength: 60 }),
        fc.oneof(fc.array(symbol, { maxLength: 20 }), fc.array(symbol, { minLength: 70, maxLength: 160 })),
        (pairs, word) => {
          const table = new MergeTable(pairs.length);
          const merges = new Map<string, { rank: number; token: number }>();
          for (const [rank, [left, right]] of pairs.entries()) {
            const merge = { rank, token: LETTERS + rank };
            table.add(left, right, merge);
            merges.set(`${left},${right}`, merge);
          }
          const merger = new SymbolMerger(table);
          merger.reserve(word.length);
          merger.symbols.set(word);
          const count = merger.merge(word.length);
          expect(Array.from(merger.symbols.subarray(0, count))).toEqual(mergePlainly(word, merges));
        },
      ),
      { numRuns: 500, seed: 7 },
    );
  });

  it("does not merge a pair before its turn when another one stood in its place", () => {
    const table = new MergeTable(4);
    table.add(1, 2, { rank: 0, token: 4 });
    table.add(0, 1, { rank: 1, token: 5 });
    table.add(4, 3, { rank: 2, token: 6 });
    table.add(0, 4, { rank: 3, token: 7 });
    for (const length of [4, 100]) {
      const merger = new SymbolMerger(table);
      merger.reserve(length);
      merger.symbols.set(Array.from({ length }, (_, index) => index % 4));
      const count = merger.merge(length);
      const expected = Array.from({ length: length / 2 }, (_, index) => (index % 2) * 6);
      expect(Array.from(merger.symbols.subarray(0, count))).toEqual(expected);
    }
  });
});
