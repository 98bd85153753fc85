import { validationError } from "../api-error.ts";
import { JsonFloat, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { repetitionDetection, structuredOutputs } from "../request/output-shapes.ts";
import { checkSamplingNumbers } from "../sampling/sampling-numbers.ts";
import { dictionary, list } from "../validation/containers.ts";
import { issueWithContext, Issues } from "../validation/issue.ts";
import { optional, record } from "../validation/record.ts";
import { boolean, float, integer, type Integer, string } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { anything, isIssues, nullable, type Validator } from "../validation/validator.ts";

const text = string();
const optionalInteger = optional(nullable(integer()));
const optionalIntegers = optional(nullable(list(integer())));

/** Keys are token ids; the result keeps their text. */
const integerKey: Validator<string> = {
  label: "int",
  validate(input, state) {
    const value = integer().validate(input, state);
    return isIssues(value) ? value : String(value);
  },
};

const fields = record({
  name: "SamplingParams",
  kind: "closed-typed-dict",
  fields: {
    n: optional(integer()),
    presence_penalty: optional(float),
    frequency_penalty: optional(float),
    repetition_penalty: optional(float),
    temperature: optional(float),
    watermarking: optional(nullable(boolean)),
    top_p: optional(float),
    top_k: optional(integer()),
    min_p: optional(float),
    seed: optionalInteger,
    stop: optional(nullable(union(text, list(text)))),
    stop_token_ids: optionalIntegers,
    ignore_eos: optional(boolean),
    max_tokens: optionalInteger,
    min_tokens: optional(integer()),
    logprobs: optionalInteger,
    prompt_logprobs: optionalInteger,
    prompt_logprob_start: optionalInteger,
    logprob_token_ids: optionalIntegers,
    flat_logprobs: optional(boolean),
    detokenize: optional(boolean),
    skip_special_tokens: optional(boolean),
    spaces_between_special_tokens: optional(boolean),
    include_stop_str_in_output: optional(boolean),
    stream_interval: optionalInteger,
    skip_clone: optional(boolean),
    output_text_buffer_length: optional(integer()),
    structured_outputs: optional(nullable(structuredOutputs)),
    logit_bias: optional(nullable(dictionary(integerKey, float))),
    allowed_token_ids: optionalIntegers,
    extra_args: optional(nullable(dictionary(text, anything))),
    bad_words: optional(nullable(list(text))),
    skip_reading_prefix_cache: optional(nullable(boolean)),
    thinking_token_budget: optionalInteger,
    repetition_detection: optional(nullable(repetitionDetection)),
    routed_experts_prompt_start: optional(integer()),
    trace_decode_token_ids: optionalIntegers,
  },
});

/**
 * `sampling_params` of `/inference/v1/generate`: vLLM's own class, made while the body is validated. So a value out of its
 * range refuses the request before anything else about it is told, and a value of the wrong type is told of twice: an
 * instance of the class would do as well.
 */
export const samplingParams: Validator<JsonObject> = {
  label: "union[is-instance[SamplingParams],function-after[_validate_msgspec()]]",
  validate(input, state) {
    const value = fields.validate(input, state);
    if (isIssues(value)) {
      const instance = issueWithContext({
        type: "is_instance_of",
        message: "Input should be an instance of SamplingParams",
        input,
        context: [["class", "SamplingParams"]],
      });
      return new Issues([...instance.list, ...value.list]);
    }
    checkRanges(value);
    return value;
  },
};

function checkRanges(params: JsonObject): void {
  const number = (name: string, fallback: number): number => {
    const value = params.get(name) ?? null;
    return value === null ? fallback : value instanceof JsonFloat ? value.value : Number(value);
  };
  const whole = (name: string): Integer | undefined => (params.get(name) ?? undefined) as Integer | undefined;
  const stop = params.get("stop") ?? [];
  const budget = whole("thinking_token_budget");
  if (budget !== undefined && budget < -1) {
    throw validationError(
      "`thinking_token_budget` must be a non-negative integer or -1 for unlimited.",
      "thinking_token_budget",
      budget,
    );
  }
  checkSamplingNumbers({
    n: whole("n") ?? 1,
    temperature: number("temperature", 1),
    topP: number("top_p", 1),
    topK: whole("top_k") ?? 0,
    minP: number("min_p", 0),
    frequencyPenalty: number("frequency_penalty", 0),
    presencePenalty: number("presence_penalty", 0),
    repetitionPenalty: number("repetition_penalty", 1),
    maxTokens: params.has("max_tokens") ? whole("max_tokens") : 16,
    minTokens: whole("min_tokens") ?? 0,
    streamInterval: whole("stream_interval"),
    logprobs: whole("logprobs"),
    promptLogprobs: whole("prompt_logprobs"),
    stop: (typeof stop === "string" ? [stop] : stop) as readonly string[],
    badWords: (params.get("bad_words") ?? []) as readonly string[],
    detokenize: params.get("detokenize") !== false,
    extraArguments: (params.get("extra_args") ?? null) as ReadonlyMap<string, JsonValue> | null,
  });
}
