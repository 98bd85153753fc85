import { describe, expect, it } from "vitest";
import { sampleRequest } from "../../test/sample-request.ts";
import type { SamplingParameters } from "../engine.ts";
import { vllmEngineSeedIsCarried, vllmEngineUncarriedField } from "./carried-values.ts";

describe("vllmEngineSeedIsCarried()", () => {
  it("knows the limits of an int32", () => {
    for (const seed of [undefined, 0, -1, 2 ** 31 - 1, -(2 ** 31)])
      expect(vllmEngineSeedIsCarried(seed)).toBe(true);
    for (const seed of [2 ** 31, -(2 ** 31) - 1, 0.5, 1e30])
      expect(vllmEngineSeedIsCarried(seed)).toBe(false);
  });
});

describe("vllmEngineUncarriedField()", () => {
  it.each<readonly [Partial<SamplingParameters>, string | undefined]>([
    [{}, undefined],
    [{ topK: -1 }, undefined],
    [{ seed: 2 ** 40 }, "seed"],
    [{ topK: 2 ** 32 }, "top_k"],
    [{ maxTokens: 2 ** 32 }, "max_tokens"],
    [{ minTokens: -1 }, "min_tokens"],
    [{ n: 2 ** 33 }, "n"],
    [{ logprobs: 2 ** 31 }, "logprobs"],
    [{ promptLogprobs: 2 ** 31 }, "prompt_logprobs"],
    [{ stopTokenIds: [1, -1] }, "stop_token_ids"],
    [{ logitBias: new Map([[2 ** 31, 1]]) }, "logit_bias"],
  ])("of %j is %s", (sampling, field) => {
    expect(vllmEngineUncarriedField(sampleRequest({ sampling }).sampling)).toBe(field);
  });
});
