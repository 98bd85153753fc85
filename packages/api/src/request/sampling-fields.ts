import { validationError } from "../api-error.ts";
import { isJsonInteger, type JsonValue } from "../json/json-value.ts";
import { dictionary, list } from "../validation/containers.ts";
import { boolean, float, integer, type Integer, literal, string } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { anything, before, nullable, type Validator } from "../validation/validator.ts";
import { repetitionDetection, responseFormat, streamOptions, structuredOutputs } from "./output-shapes.ts";
import {
  field,
  floatField,
  optionalFloatField,
  optionalFloatMapField,
  type RequestField,
} from "./request-table.ts";

/** Stop strings a request may give (`VLLM_MAX_STOP_STRINGS`). */
export const MAX_STOP_STRINGS = 4;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

const text = string();
const number = integer();
const nothing: readonly never[] = [];

/** A string or null, null when missing. */
export const optionalText: RequestField<string | null> = field(nullable(text), null);
/** An integer or null, null when missing. */
export const optionalInteger: RequestField<Integer | null> = field(nullable(number), null);
/** A list of integers or null, null when missing. */
export const optionalIntegers: RequestField<readonly Integer[] | null> = field(nullable(list(number)), null);
/** A float or null, null when missing. */
export const optionalFloat: RequestField<number | null> = optionalFloatField();
/** A boolean or null, null when missing. */
export const optionalBoolean: RequestField<boolean | null> = field(nullable(boolean), null);
/** An object of anything or null, null when missing. */
export const optionalObject: RequestField<ReadonlyMap<string, JsonValue> | null> = field(
  nullable(dictionary(text, anything)),
  null,
);
/** An integer of 64 bits or null. */
export const seed: RequestField<Integer | null> = field(
  nullable(integer({ atLeast: INT64_MIN, atMost: INT64_MAX })),
  null,
);
/** `stop`: one string or a few. */
export const stop: RequestField<string | readonly string[] | null> = field(
  nullable(union(text, list(text, { maxLength: MAX_STOP_STRINGS }))),
  nothing,
);

const tokenBudget: Validator<Integer | null> = before(checkThinkingTokenBudget, nullable(number));

/** Refuses budgets that are neither -1 nor a count; -1 becomes null. */
function checkThinkingTokenBudget(value: JsonValue): JsonValue {
  if (value === null || value === -1) return null;
  if (isJsonInteger(value) && value >= 0) return value;
  throw validationError(
    "`thinking_token_budget` must be a non-negative integer or -1 for unlimited.",
    "thinking_token_budget",
    value,
  );
}

/** Fields that chat and completions give the sampler, in the order both classes have them. */
export const samplingFields = {
  use_beam_search: field(boolean, false),
  top_k: optionalInteger,
  min_p: optionalFloat,
  repetition_penalty: optionalFloat,
  watermarking: optionalBoolean,
  length_penalty: floatField(1),
  stop_token_ids: field(nullable(list(number)), nothing),
  include_stop_str_in_output: field(boolean, false),
  ignore_eos: field(boolean, false),
  min_tokens: field(number, 0),
  skip_special_tokens: field(boolean, true),
  spaces_between_special_tokens: field(boolean, true),
  truncate_prompt_tokens: field(nullable(integer({ atLeast: -1, atMost: INT64_MAX })), null),
  truncation_side: field(nullable(literal("left", "right")), null),
} as const;

/** Biases by token id, as text. */
export const logitBias: RequestField<ReadonlyMap<string, number> | null> = optionalFloatMapField();

const scalarOrList = union(text, number, float, list(union(text, number, float)));

/** Fields at the end of both classes, in their order. */
export const extraFields = {
  cache_salt: field(nullable(string({ minLength: 1, maxLength: 1024 })), null),
  kv_transfer_params: optionalObject,
  ec_transfer_params: optionalObject,
  vllm_xargs: field(nullable(dictionary(text, scalarOrList)), null),
  repetition_detection: field(nullable(repetitionDetection), null),
} as const;

/** `thinking_token_budget`. */
export const thinkingTokenBudget: RequestField<Integer | null> = field(tokenBudget, null);
/** `stream_interval`. */
export const streamInterval: RequestField<Integer | null> = field(nullable(integer({ atLeast: 1 })), null);

/** `request_id`: null when the client gave none. The client itself cannot say null. */
const requestId: RequestField<string | null> = { validator: text, fallback: null };

/** Fields about ids, in the order both classes have them. */
export const identityFields = {
  priority: field(integer({ atLeast: INT64_MIN, atMost: INT64_MAX }), 0),
  request_id: requestId,
  session_id: optionalText,
  return_tokens_as_token_ids: optionalBoolean,
  return_token_ids: optionalBoolean,
  routed_experts_prompt_start: field(integer({ atLeast: 0 }), 0),
  return_token_offsets: field(nullable(boolean), false),
} as const;

/** Fields about multimodal answers of render endpoints, in the order both classes have them. */
export const mediaAnswerFields = {
  mm_payload: field(literal("tensors", "none"), "tensors"),
  return_mm_kwargs: optionalBoolean,
} as const;

/** `response_format`, checked and with its defaults. */
export const responseFormatField: RequestField<ReadonlyMap<string, JsonValue> | null> = field(
  nullable(responseFormat),
  null,
);
/** `structured_outputs`, checked and with its defaults. */
export const structuredOutputsField: RequestField<ReadonlyMap<string, JsonValue> | null> = field(
  nullable(structuredOutputs),
  null,
);
/** `stream_options`, with its defaults. */
export const streamOptionsField: RequestField<ReadonlyMap<string, JsonValue> | null> = field(
  nullable(streamOptions),
  null,
);
