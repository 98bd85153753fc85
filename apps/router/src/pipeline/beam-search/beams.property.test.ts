import type { TokenLogprob } from "@vllm-router/api";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BeamRules, Beams } from "./beams.ts";

const END = 0;

/** A beam as vLLM writes it down: lists that are copied with every step. */
interface NaiveBeam {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly sum: number;
  readonly finish: readonly [string, number | null] | undefined;
}

/** The search written down step by step, without sharing anything. */
function naiveSearch(
  prompt: readonly number[],
  rules: BeamRules,
  model: (tokens: readonly number[]) => readonly TokenLogprob[],
): readonly (readonly [readonly number[], readonly number[], string])[] {
  const completed: NaiveBeam[] = [];
  let beams: NaiveBeam[] = [{ tokens: prompt, logprobs: [], sum: 0, finish: undefined }];
  for (let step = 0; step < rules.maxTokens && beams.length > 0; step++) {
    const next: NaiveBeam[] = [];
    for (const beam of beams) {
      for (const { tokenId, logprob } of model(beam.tokens)) {
        const grown = {
          tokens: [...beam.tokens, tokenId],
          logprobs: [...beam.logprobs, logprob],
          sum: beam.sum + logprob,
        };
        if (tokenId !== END || rules.ignoreEos) next.push({ ...grown, finish: undefined });
        else {
          completed.push({
            ...grown,
            tokens: rules.includeStopStringInOutput ? grown.tokens : beam.tokens,
            finish: ["stop", END],
          });
        }
      }
    }
    beams = next.toSorted((left, right) => right.sum - left.sum).slice(0, rules.width);
  }
  const score = ({ tokens, sum }: NaiveBeam): number => {
    const length = tokens.at(-1) === END ? tokens.length - 1 : tokens.length;
    return sum / Math.max(length, 1) ** rules.lengthPenalty;
  };
  return [...completed, ...beams]
    .toSorted((left, right) => score(right) - score(left))
    .slice(0, rules.width)
    .map(({ tokens, logprobs, finish }) => {
      const output = tokens.slice(prompt.length);
      return [output, logprobs.slice(0, output.length), finish?.[0] ?? "length"];
    });
}

const search = fc.record({
  prompt: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
  width: fc.integer({ min: 1, max: 4 }),
  maxTokens: fc.nat(6),
  lengthPenalty: fc.constantFrom(1, 0, 2, 0.5, -1),
  ignoreEos: fc.boolean(),
  includeStopStringInOutput: fc.boolean(),
  /** Logprobs by position in the prompt's continuation; distinct, so that no order is left to chance. */
  weights: fc.uniqueArray(fc.double({ min: -9, max: -0.01, noNaN: true }), { minLength: 60, maxLength: 60 }),
});

/** A made-up model: candidates and their logprobs depend on all tokens so far. */
function modelOf(
  weights: readonly number[],
  width: number,
): (tokens: readonly number[]) => readonly TokenLogprob[] {
  return (tokens) => {
    const hash = tokens.reduce((sum, token) => (sum * 31 + token + 7) % 9973, tokens.length);
    return Array.from({ length: 2 * width }, (_, at) => ({
      tokenId: (hash + at) % 9,
      token: "",
      logprob: (weights[(hash + at * 7) % weights.length] ?? -1) - at / 1000,
    })).toSorted((left, right) => right.logprob - left.logprob);
  };
}

describe("Beams", () => {
  it("finds what the search written down step by step finds", () => {
    fc.assert(
      fc.property(search, ({ prompt, weights, ...given }) => {
        const rules: BeamRules = {
          ...given,
          temperature: 0,
          skipSpecialTokens: true,
          endOfSequenceTokenId: END,
        };
        const model = modelOf(weights, rules.width);
        const beams = new Beams(Int32Array.from(prompt), rules);
        for (let step = 0; step < rules.maxTokens && beams.running.length > 0; step++) {
          beams.step(beams.running.map(({ tokenIds }) => model(Array.from(tokenIds))));
        }
        expect(
          beams
            .best()
            .map(({ tokenIds, logprobs, finish }) => [
              tokenIds,
              logprobs.slice(0, tokenIds.length).map(({ logprob }) => logprob),
              finish.reason,
            ]),
        ).toEqual(naiveSearch(prompt, rules, model));
      }),
      { numRuns: 500, seed: 21 },
    );
  });
});

const RULES: BeamRules = {
  width: 2,
  maxTokens: 5,
  temperature: 0,
  lengthPenalty: 1,
  ignoreEos: false,
  includeStopStringInOutput: false,
  skipSpecialTokens: true,
  endOfSequenceTokenId: END,
};

const proposal = (tokenId: number, logprob: number): TokenLogprob => ({ tokenId, token: "", logprob });

describe("a completed beam", () => {
  const run = (rules: Partial<BeamRules>): Beams => {
    const beams = new Beams(Int32Array.of(5), { ...RULES, ...rules });
    beams.step([[proposal(3, -0.5), proposal(4, -1), proposal(END, -9), proposal(6, -10)]]);
    beams.step([[proposal(END, -0.1), proposal(7, -8)], [proposal(8, -2)]]);
    return beams;
  };

  it("takes no place among the running ones, and ends with its end token as the stop reason", () => {
    const beams = run({});
    expect(beams.running.map(({ tokenIds }) => [...tokenIds])).toEqual([
      [5, 4, 8],
      [5, 3, 7],
    ]);
    expect(beams.best()[0]).toMatchObject({
      tokenIds: [3],
      textTokenIds: [3],
      finish: { reason: "stop", stopReason: END },
    });
  });

  it("keeps its end token where that is asked for, but not in the text", () => {
    expect(run({ includeStopStringInOutput: true }).best()[0]).toMatchObject({
      tokenIds: [3, END],
      textTokenIds: [3],
      logprobs: [{ tokenId: 3 }, { tokenId: END, logprob: -0.1 }],
    });
  });

  it("does not end where the end token is ignored", () => {
    const [first] = run({ ignoreEos: true }).best();
    expect(first).toMatchObject({ tokenIds: [3, END], textTokenIds: [3, END], finish: { reason: "length" } });
  });

  it("stays completed when the engine aborts the others", () => {
    const beams = run({});
    beams.abort("abort");
    expect(beams.best().map(({ finish }) => finish.reason)).toEqual(["stop", "abort"]);
  });
});
