import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadBuiltinModel } from "./model.ts";
import { type TokenChoice, TokenModel } from "./token-model.ts";

const { vocabulary, tokenizer, eosId } = loadBuiltinModel();
const [newline = 0] = tokenizer.encode("\n", false);
const model = new TokenModel(vocabulary, 0);
const greedy: TokenChoice = { seed: undefined, bias: undefined, forbidden: undefined };
const promptIds = fc.array(fc.integer({ min: 0, max: vocabulary.size - 1 }), { minLength: 1, maxLength: 30 });
const someSeed = fc.option(fc.integer(), { nil: undefined });

function generate(ids: readonly number[], count: number, choice: TokenChoice = greedy): number[] {
  const state = model.start();
  for (const id of ids) model.advance(state, id);
  return Array.from({ length: count }, () => {
    const id = model.next(state, choice);
    model.advance(state, id);
    return id;
  });
}

describe("TokenModel", () => {
  it("continues from any point with the same tokens", () => {
    fc.assert(
      fc.property(promptIds, someSeed, fc.nat({ max: 60 }), (ids, seed, cut) => {
        const whole = generate(ids, 60, { ...greedy, seed });
        const rest = generate([...ids, ...whole.slice(0, cut)], 60 - cut, { ...greedy, seed });
        expect(rest).toEqual(whole.slice(cut));
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it("gives tokens of the vocabulary and best ranks first", () => {
    fc.assert(
      fc.property(promptIds, fc.integer({ min: 1, max: 20 }), (ids, count) => {
        const state = model.start();
        for (const id of ids) model.advance(state, id);
        const ranked = model.ranked(state, count);
        expect(new Set(ranked.map(({ id }) => id)).size).toBe(count);
        expect(ranked[0]?.id).toBe(model.next(state, greedy));
        const logprobs = ranked.map(({ logprob }) => logprob);
        expect(logprobs).toEqual(logprobs.toSorted((a, b) => b - a));
        expect(logprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0)).toBeLessThanOrEqual(1);
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  it("reads like English and ends after a plausible length", () => {
    const lengths: number[] = [];
    for (let turn = 0; turn < 40; turn++) {
      const ids = generate([eosId ?? 0, turn, newline], 600);
      const end = ids.indexOf(eosId ?? -1);
      lengths.push(end < 0 ? 600 : end);
      const text = tokenizer.decode(ids.slice(0, lengths.at(-1)), { skipSpecialTokens: true });
      expect(text).toMatch(/^[A-Z][A-Za-z0-9 ,.?!'\n]+[.?!]\n*$/);
    }
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(18);
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    expect(mean).toBeGreaterThan(40);
    expect(mean).toBeLessThan(250);
  });

  it("differs by seed and by prompt", () => {
    const texts = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => generate([5, 6], 40, { ...greedy, seed }).join());
    expect(new Set(texts).size).toBe(8);
    expect(generate([5, 7], 40)).not.toEqual(generate([5, 6], 40));
  });

  it("obeys a strong bias and never gives a forbidden token", () => {
    expect(generate([1, 2], 5, { ...greedy, bias: new Map([[42, 50]]) })).toEqual([42, 42, 42, 42, 42]);
    const first = generate([1, 2], 1)[0] ?? -1;
    expect(generate([1, 2], 1, { ...greedy, bias: new Map([[first, -100]]) })[0]).not.toBe(first);
    expect(generate([1, 2], 1, { ...greedy, forbidden: new Set([first]) })[0]).not.toBe(first);
  });
});
