import { describe, expect, it } from "vitest";
import { parseJson } from "../json/parse-json.ts";
import { parseChatRequest } from "../request/chat-request.ts";
import { parseCompletionRequest } from "../request/completion-request.ts";
import { carriedFields } from "./carried-fields.ts";
import type { GenerationRequest } from "./draft-sampling.ts";
import { resolveSampling } from "./resolve-sampling.ts";
import type { SamplingContext } from "./sampling-context.ts";

const context: SamplingContext = {
  defaultSampling: { temperature: 0.6, topK: 20, topP: 0.95 },
  extraEosTokenIds: [7, 9],
  maxModelLength: 2048,
  promptTokenCount: 48,
  vocabularySize: 1000,
  maxLogprobs: 20,
};

function chat(fields: string): GenerationRequest {
  return parseChatRequest(parseJson(`{"messages":[{"role":"user","content":"hi"}]${fields}}`));
}

function completion(fields: string): GenerationRequest {
  return parseCompletionRequest(parseJson(`{"prompt":"hi"${fields}}`));
}

describe("resolveSampling()", () => {
  it("gives explicit numbers for everything", () => {
    expect(resolveSampling(chat(""), context)).toEqual({
      lateError: undefined,
      settings: {
        temperature: 0.6,
        topP: 0.95,
        topK: 20,
        minP: 0,
        frequencyPenalty: 0,
        presencePenalty: 0,
        repetitionPenalty: 1,
        maxTokens: 2000,
        minTokens: 0,
        stop: [],
        stopTokenIds: [7, 9],
        ignoreEos: false,
        skipSpecialTokens: true,
        spacesBetweenSpecialTokens: true,
        includeStopStringInOutput: false,
        n: 1,
        seed: undefined,
        logprobs: undefined,
        promptLogprobs: undefined,
        logitBias: undefined,
        structuredOutput: undefined,
      },
    });
  });

  it("leaves the further end-of-sequence tokens out when the end is ignored", () => {
    const { settings } = resolveSampling(chat(',"ignore_eos":true,"stop_token_ids":[9,3]'), context);
    expect(settings.stopTokenIds).toEqual([9, 3]);
    expect(resolveSampling(chat(',"stop_token_ids":[9,3]'), context).settings.stopTokenIds).toEqual([
      9, 3, 7,
    ]);
  });

  it("gives a completion 16 tokens, and a prompt-only one a single one", () => {
    expect(resolveSampling(completion(""), context).settings.maxTokens).toBe(16);
    expect(resolveSampling(completion(',"max_tokens":null'), context).settings.maxTokens).toBe(16);
    expect(resolveSampling(completion(',"max_tokens":0,"echo":true'), context).settings.maxTokens).toBe(1);
  });

  it("keeps refusals of the engine apart from those that come first", () => {
    const request = chat(',"logprobs":true,"top_logprobs":21');
    expect(resolveSampling(request, context).lateError?.message).toBe(
      "Requested sample logprobs of 21, which is greater than max allowed: 20 (parameter=logprobs, value=21)",
    );
    expect(() => resolveSampling(chat(',"top_p":0'), context)).toThrow("top_p must be in (0, 1], got 0.0.");
  });

  it("turns constraints into what engines take", () => {
    const setting = (fields: string): unknown =>
      resolveSampling(chat(fields), context).settings.structuredOutput;
    const schema = '{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","é":1.0}}}';
    expect(setting(`,"response_format":${schema}`)).toEqual({
      kind: "json-schema",
      schema: '{"type": "object", "\\u00e9": 1.0}',
    });
    expect(setting(',"response_format":{"type":"json_object"}')).toEqual({ kind: "json-object" });
    expect(setting(',"response_format":{"type":"text"}')).toBeUndefined();
    expect(setting(',"structured_outputs":{"regex":"a+"}')).toEqual({ kind: "regex", pattern: "a+" });
    expect(setting(',"structured_outputs":{"choice":["a"]}')).toEqual({ kind: "choice", choices: ["a"] });
    expect(setting(',"structured_outputs":{"grammar":"g"}')).toEqual({ kind: "grammar", grammar: "g" });
    const tag = '{"type":"structural_tag","format":{"type":"const_string","value":"ok"}}';
    expect(setting(`,"response_format":${tag}`)).toEqual({
      kind: "structural-tag",
      tag: '{"type": "structural_tag", "format": {"type": "const_string", "value": "ok"}}',
    });
  });

  it("refuses constraints that cannot be compiled at all", () => {
    const late = (fields: string): string | undefined =>
      resolveSampling(chat(fields), context).lateError?.message;
    expect(late(',"structured_outputs":{"json":"{nope"}')).toBe("Invalid JSON grammar specification.");
    expect(late(',"structured_outputs":{"grammar":" "}')).toBe(
      "structured_outputs.grammar cannot be an empty string",
    );
    expect(late(',"structured_outputs":{"json_object":false}')).toContain("json_object must be True if set");
    expect(late(',"structured_outputs":{"regex":"a\\u0000"}')).toContain("must not contain a NUL character");
    const deep = `${'{"a":'.repeat(65)}{}${"}".repeat(65)}`;
    expect(late(`,"structured_outputs":{"json":${deep}}`)).toContain("nested too deeply");
    expect(late(`,"structured_outputs":{"json":${'{"a":'.repeat(63)}{}${"}".repeat(63)}}`)).toBeUndefined();
  });

  it("would rather refuse a seed than change it", () => {
    expect(() => resolveSampling(chat(',"seed":9223372036854775807'), context)).toThrow(
      "`seed` is not supported",
    );
  });
});

describe("carriedFields()", () => {
  it("is empty for requests that use none", () => {
    const unused =
      ',"n":1,"bad_words":[],"priority":0,"logit_bias":{},"response_format":{"type":"text"},"vllm_xargs":{},' +
      '"repetition_detection":{},"kv_transfer_params":{},"thinking_token_budget":-1,"stream_interval":5';
    expect(carriedFields(chat(unused))).toEqual([]);
  });

  it("names what a request uses", () => {
    const used =
      ',"n":2,"bad_words":["a"],"priority":-1,"logit_bias":{"1":1},"vllm_xargs":{"a":1},"cache_salt":"s",' +
      '"repetition_detection":{"max_pattern_size":2,"min_count":2},"kv_transfer_params":{"a":1},"session_id":"s",' +
      '"thinking_token_budget":0,"allowed_token_ids":[1],"prompt_logprobs":1,"logprobs":true,"logprob_token_ids":[1],' +
      '"structured_outputs":{"regex":"a","disable_any_whitespace":true,"whitespace_pattern":" "}';
    expect(carriedFields(chat(used))).toEqual([
      "allowed_token_ids",
      "bad_words",
      "cache_salt",
      "kv_transfer_params",
      "logit_bias",
      "logprob_token_ids",
      "n",
      "priority",
      "prompt_logprobs_ranks",
      "session_id",
      "structured_outputs",
      "structured_outputs.disable_any_whitespace",
      "thinking_token_budget",
      "vllm_xargs",
    ]);
    expect(carriedFields(completion(',"prompt_embeds":"x","stream":true,"stream_interval":2'))).toEqual([
      "prompt_embeds",
    ]);
  });
});
