import { describe, expect, it } from "vitest";
import { sampleRequest } from "../../test/sample-request.ts";
import type { SamplingParameters } from "../engine.ts";
import {
  vllmEngineSeedIsCarried,
  vllmEngineUncarriedField,
  vllmEngineUncarriedRequestField,
} from "./carried-values.ts";

describe("vllmEngineSeedIsCarried()", () => {
  it("knows the limits of an int32", () => {
    for (const seed of [undefined, 0, -1, 2 ** 31 - 1, -(2 ** 31)])
      expect(vllmEngineSeedIsCarried(seed)).toBe(true);
    for (const seed of [2 ** 31, -(2 ** 31) - 1, 0.5, 1e30])
      expect(vllmEngineSeedIsCarried(seed)).toBe(false);
  });
});

describe("vllmEngineUncarriedRequestField()", () => {
  it.each<readonly [Parameters<typeof sampleRequest>[0], string | undefined]>([
    [{}, undefined],
    [{ priority: 0, sessionId: "s" }, undefined],
    [{ priority: 1 }, "priority"],
    [{ cacheSalt: "s" }, "cache_salt"],
    [{ ecTransferParams: "{}" }, "ec_transfer_params"],
    [{ loraName: "l" }, "lora"],
    [{ sampling: { allowedTokenIds: [1] } }, "allowed_token_ids"],
    [{ sampling: { logprobTokenIds: [1] } }, "logprob_token_ids"],
    [{ sampling: { seed: 2 ** 40 } }, "seed"],
  ])("of %j is %s", (request, field) => {
    expect(vllmEngineUncarriedRequestField(sampleRequest(request))).toBe(field);
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
