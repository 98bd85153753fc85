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

describe("SymbolMerger", () => {
  it("merges short and long words as the plain rule does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 40 }),
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
      { numRuns: 300, seed: 7 },
    );
  });
});
