import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRepetitionDetector, type RepetitionRule } from "./repetition-detector.ts";

/** What vLLM's scheduler does after every token: every pattern size, compared token by token from the end. */
function endsInRepetition(tokens: readonly number[], rule: RepetitionRule): boolean {
  const minSize = rule.minPatternSize <= 0 ? 1 : rule.minPatternSize;
  if (rule.maxPatternSize <= 0 || rule.minCount < 2 || minSize > rule.maxPatternSize) return false;
  for (let size = minSize; size <= rule.maxPatternSize; size++) {
    if (size * rule.minCount > tokens.length) return false;
    const tail = tokens.slice(tokens.length - size * rule.minCount);
    if (tail.every((token, at) => token === tail[at % size])) return true;
  }
  return false;
}

const rules = fc.record({
  maxPatternSize: fc.nat(8),
  minPatternSize: fc.nat(5),
  minCount: fc.nat(5),
});

/** Few kinds of tokens, with stretches that repeat. */
const tokens = fc
  .array(fc.tuple(fc.array(fc.nat(2), { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 5 })), {
    maxLength: 30,
  })
  .map((parts) => parts.flatMap(([pattern, times]) => Array.from({ length: times }, () => pattern).flat()));

describe("createRepetitionDetector()", () => {
  it("says after every token what the plain comparison says", () => {
    fc.assert(
      fc.property(rules, tokens, (rule, sequence) => {
        const detector = createRepetitionDetector(rule, 10_000);
        for (const [at, token] of sequence.entries()) {
          expect(detector?.push(token) ?? false).toBe(endsInRepetition(sequence.slice(0, at + 1), rule));
        }
      }),
      { numRuns: 1500, seed: 11 },
    );
  });

  it("needs no more patterns than the sequence has room for", () => {
    fc.assert(
      fc.property(rules, tokens, (rule, sequence) => {
        const detector = createRepetitionDetector(rule, sequence.length);
        for (const [at, token] of sequence.entries()) {
          expect(detector?.push(token) ?? false).toBe(endsInRepetition(sequence.slice(0, at + 1), rule));
        }
      }),
      { numRuns: 300, seed: 12 },
    );
  });

  it("finds long patterns, and only from their last token on", () => {
    const size = 500;
    const pattern = Array.from({ length: size }, (_, at) => at);
    const detector = createRepetitionDetector({ maxPatternSize: size, minPatternSize: 0, minCount: 3 }, 1e9);
    const seen = [...pattern, ...pattern, ...pattern].map((token) => detector?.push(token));
    expect(seen.indexOf(true)).toBe(3 * size - 1);
  });

  it("is nothing where the rule can never fire", () => {
    const rule = { maxPatternSize: 4, minPatternSize: 0, minCount: 3 };
    expect(createRepetitionDetector(rule, 2)).toBe(undefined);
    expect(createRepetitionDetector({ ...rule, maxPatternSize: 0 }, 100)).toBe(undefined);
    expect(createRepetitionDetector({ ...rule, minCount: 1 }, 100)).toBe(undefined);
    expect(createRepetitionDetector({ ...rule, minPatternSize: 5 }, 100)).toBe(undefined);
  });
});
