import { describe, expect, it } from "vitest";
import { ApiError } from "../api-error.ts";
import { parseJson } from "../json/parse-json.ts";
import { parseGenerateRequest, tokensSampling } from "./generate-request.ts";

function refusal(body: string): { readonly message: string; readonly param: string | null } {
  try {
    parseGenerateRequest(parseJson(body));
  } catch (error) {
    if (error instanceof ApiError) return { message: error.message, param: error.param };
    throw error;
  }
  throw new Error("not refused");
}

// Recorded from vLLM 0.32 by tools/real-vllm/fuzz.
describe("sampling_params of /inference/v1/generate", () => {
  it("tells of a wrong type twice: an instance of the class would do as well", () => {
    expect(refusal('{"token_ids":[1],"sampling_params":{"stop_token_ids":1}}')).toEqual({
      message:
        "2 validation errors:\n" +
        "  {'type': 'is_instance_of', 'loc': 'body.sampling_params', 'msg': 'Input should be an instance of SamplingParams', " +
        "'input': '<dict of 1 items>', 'ctx': {'class': 'SamplingParams'}}\n" +
        "  {'type': 'list_type', 'loc': 'body.sampling_params.stop_token_ids', 'msg': 'Input should be a valid list', 'input': '1'}",
      param: "body.sampling_params",
    });
  });

  it.each([
    ['{"temperature":0,"n":2}', "n must be 1 when using greedy sampling, got 2.", null],
    ['{"top_p":2}', "top_p must be in (0, 1], got 2.0. (parameter=top_p, value=2.0)", "top_p"],
    [
      '{"stop":"x","detokenize":false}',
      "stop strings are only supported when detokenize is True. Set detokenize=True to use stop.",
      null,
    ],
    [
      '{"stream_interval":0}',
      "stream_interval must be at least 1, got 0. (parameter=stream_interval, value=0)",
      "stream_interval",
    ],
    ['{"min_tokens":17}', "min_tokens must be less than or equal to max_tokens=16, got 17.", null],
  ])("refuses %s before the rest of the body is looked at", (params, message, param) => {
    expect(refusal(`{"sampling_params":${params},"stream":"?"}`)).toEqual({ message, param });
  });

  it("reads the keys of logit_bias as token ids", () => {
    expect(refusal('{"token_ids":[1],"sampling_params":{"logit_bias":{"b":1}}}').message).toContain(
      "'loc': 'body.sampling_params.logit_bias.b'",
    );
    const request = parseGenerateRequest(
      parseJson('{"token_ids":[1],"sampling_params":{"logit_bias":{"05":1,"7":0.5},"top_p":1,"unknown":1}}'),
    );
    const sampling = tokensSampling(request);
    expect([...(sampling.logitBias ?? [])]).toEqual([
      ["5", 1],
      ["7", 0.5],
    ]);
    expect(sampling.topP).toBe(1);
  });

  it("takes pairs as offsets and objects as features", () => {
    const body = (rest: string): string => `{"token_ids":[1],"sampling_params":{},${rest}}`;
    expect(refusal(body('"token_offsets":["a"]')).message).toContain("'type': 'tuple_type'");
    expect(refusal(body('"token_offsets":[[1]]')).message).toContain("'loc': 'body.token_offsets.0.1'");
    expect(refusal(body('"features":5')).message).toContain("'type': 'model_attributes_type'");
    expect(refusal(body('"features":{}')).message).toContain("'loc': 'body.features.mm_hashes'");
  });

  it("knows the arguments of the reasoning parser", () => {
    const body = '{"token_ids":[1],"sampling_params":{},"reasoning_parser_kwargs":{"x":1}}';
    expect(refusal(body).message).toContain("'type': 'extra_forbidden'");
  });
});
