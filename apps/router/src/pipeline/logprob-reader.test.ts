import type { PromptLogprobs, TokenOutput } from "@vllm-router/engine-client";
import { beforeAll, describe, expect, it } from "vitest";
import { builtinRuntime } from "../../test/fake-pipeline.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import {
  alternativesToAsk,
  OutputLogprobReader,
  promptAlternativesToAsk,
  readPromptLogprobs,
} from "./logprob-reader.ts";

let tokenizer: ModelRuntime["tokenizer"];
let ids: readonly number[];

beforeAll(async () => {
  ({ tokenizer } = await builtinRuntime());
  ids = [...tokenizer.encode("one two three four five six", false)];
});

function id(at: number): number {
  return ids[at] ?? -1;
}

/** An output of one token with alternatives: the token itself first, then by rank. */
function output(
  token: number,
  alternatives: readonly (readonly [token: number, logprob: number])[],
): TokenOutput {
  const own = alternatives.find(([candidate]) => candidate === token);
  return {
    index: 0,
    tokenIds: [token],
    tokenCount: 1,
    promptLogprobs: undefined,
    promptTokens: 0,
    cachedTokens: 0,
    logprobs: {
      tokenLogprobs: [own?.[1] ?? 0],
      topTokenIds: [alternatives.map(([candidate]) => candidate)],
      topLogprobs: [alternatives.map(([, logprob]) => logprob)],
    },
  };
}

function read(wanted: number, from: TokenOutput): readonly (readonly [string, number])[] {
  const { logprobs } = from;
  if (logprobs === undefined) {
    throw new Error("the output has logprobs");
  }
  const [position] = new OutputLogprobReader(tokenizer, wanted).read(from, { logprobs, count: 1 });
  return position?.top.map(({ token, logprob }) => [token, logprob] as const) ?? [];
}

describe("OutputLogprobReader", () => {
  it("keeps as many alternatives as were wanted when the sampled token is among the best", () => {
    const best = output(id(0), [
      [id(0), -0.1],
      [id(1), -1],
      [id(2), -2],
    ]);
    expect(read(2, best)).toEqual([
      ["one", -0.1],
      [" two", -1],
    ]);
    const second = output(id(1), [
      [id(1), -1],
      [id(0), -0.5],
      [id(2), -2],
    ]);
    expect(read(2, second).map(([, logprob]) => logprob)).toEqual([-1, -0.5]);
  });

  it("keeps one more when it is not", () => {
    const third = output(id(2), [
      [id(2), -5],
      [id(0), -0.5],
      [id(1), -1],
    ]);
    expect(read(2, third).map(([, logprob]) => logprob)).toEqual([-5, -0.5, -1]);
  });

  it("gives the sampled token also where no alternatives are wanted", () => {
    const from = output(id(0), [[id(0), -0.1]]);
    const [position] = new OutputLogprobReader(tokenizer, 0).read(from, {
      logprobs: { tokenLogprobs: [-0.1], topTokenIds: [[id(0)]], topLogprobs: [[-0.1]] },
      count: 1,
    });
    expect(position).toMatchObject({ tokenId: id(0), token: "one", logprob: -0.1 });
  });

  it("reads no further than asked", () => {
    const from = output(id(0), [[id(0), -0.1]]);
    const logprobs = { tokenLogprobs: [], topTokenIds: [], topLogprobs: [] };
    expect(new OutputLogprobReader(tokenizer, 1).read(from, { logprobs, count: 0 })).toEqual([]);
  });
});

describe("readPromptLogprobs()", () => {
  const prompt = (): PromptLogprobs => ({
    tokenIds: [id(0), id(1), id(2)],
    tokenLogprobs: [undefined, -1, -9],
    topTokenIds: [[], [id(1), id(3), id(4)], [id(2), id(3), id(4)]],
    topLogprobs: [[], [-1, -0.5, -2], [-9, -0.5, -2]],
  });

  it("has none for the first token, and ranks by place", () => {
    const read = readPromptLogprobs(tokenizer, prompt(), 1);
    expect(read[0]).toBeNull();
    expect(read.map((position) => position?.rank)).toEqual([undefined, 2, null]);
    expect(read[1]?.top.map(({ logprob }) => logprob)).toEqual([-1, -0.5]);
    expect(read[2]?.top.map(({ logprob }) => logprob)).toEqual([-9, -0.5]);
  });

  it("keeps everything for -1", () => {
    expect(readPromptLogprobs(tokenizer, prompt(), -1)[2]?.top).toHaveLength(3);
  });
});

describe("alternatives to ask for", () => {
  it("are one more than wanted, where the engine's limit has room", () => {
    expect([alternativesToAsk(0, 20), alternativesToAsk(3, 20), alternativesToAsk(20, 20)]).toEqual([
      0, 4, 20,
    ]);
    expect(alternativesToAsk(50, -1)).toBe(51);
  });

  it("are all there are for prompts", () => {
    expect([promptAlternativesToAsk(1, 20), promptAlternativesToAsk(2, -1)]).toEqual([20, 22]);
  });
});
