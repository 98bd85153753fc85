import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TINY_END, tinyTokenizer } from "../tokenizer/tiny-tokenizer.cases.ts";
import { createSequenceText } from "./sequence-text.ts";

const tokenizer = tinyTokenizer();
const token = fc.oneof(fc.integer({ min: 97, max: 99 }), fc.nat(262), fc.constantFrom(301, 302, TINY_END));

describe("text of a sequence", () => {
  it("does not depend on how its tokens were chunked", () => {
    fc.assert(
      fc.property(
        fc.record({
          tokens: fc.array(token, { maxLength: 40 }),
          cuts: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 40, maxLength: 40 }),
          stop: fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 }), {
            maxLength: 3,
          }),
          includeStopString: fc.boolean(),
          skipSpecialTokens: fc.boolean(),
          spacesBetweenSpecialTokens: fc.boolean(),
          minTokens: fc.nat(5),
          maxTokens: fc.integer({ min: 1, max: 45 }),
          repetition: fc.option(
            fc.record({
              maxPatternSize: fc.nat(4),
              minPatternSize: fc.nat(2),
              minCount: fc.integer({ min: 2, max: 4 }),
            }),
            { nil: undefined },
          ),
        }),
        ({ tokens, cuts, ...options }) => {
          const run = (sizes: readonly number[]): unknown => {
            const sequence = createSequenceText({
              ...options,
              tokenizer,
              promptTokenIds: [104],
              ignoreEos: false,
              endOfSequenceTokenId: TINY_END,
              stopTokenIds: new Set([99]),
            });
            let text = "";
            let taken = 0;
            for (const size of sizes) {
              const part = tokens.slice(taken, taken + size);
              taken += part.length;
              const delta = sequence.push(part, part.length);
              expect(delta.tokenEnd).toBe(sequence.tokenCount);
              text += delta.text;
            }
            text += sequence.finish().text;
            return { text, finish: sequence.expectedFinish, tokenCount: sequence.tokenCount };
          };
          expect(run(cuts)).toEqual(run(tokens.map(() => 1)));
        },
      ),
      { numRuns: 500, seed: 3 },
    );
  });
});
