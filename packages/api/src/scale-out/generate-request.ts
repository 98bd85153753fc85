import { validationError } from "../api-error.ts";
import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { checkCacheSalt } from "../request/body-checks.ts";
import { type ChatRequest, convertedChatRequest } from "../request/chat-request.ts";
import { repetitionDetection, streamOptions, structuredOutputs } from "../request/output-shapes.ts";
import {
  compileRequest,
  field,
  parseWith,
  type RequestOf,
  type RequestReader,
  requiredField,
} from "../request/request-table.ts";
import {
  extraFields,
  identityFields,
  optionalBoolean,
  optionalObject,
  optionalText,
} from "../request/sampling-fields.ts";
import { after } from "../validation/after.ts";
import { dictionary, list } from "../validation/containers.ts";
import { isIssues, anything, freshState, nullable, type Validator } from "../validation/validator.ts";
import { boolean, float, integer, literal, string } from "../validation/scalars.ts";

const text = string();

/** Body of `POST /inference/v1/generate`, in the order of vLLM 0.32's `GenerateRequest`. */
const generateTable = {
  /** Empty when the client gave none: the server makes one up. */
  request_id: identityFields.request_id,
  token_ids: requiredField(
    after(list(integer(), { minLength: 1 }), (ids) =>
      ids.some((id) => id < 0) ? "token_ids must not contain negative values" : undefined,
    ),
  ),
  features: optionalObject,
  content_parts: field(nullable(list(dictionary(text, anything))), null),
  sampling_params: requiredField(dictionary(text, anything)),
  model: optionalText,
  reasoning_ended: optionalBoolean,
  reasoning_parser_kwargs: optionalObject,
  return_token_ids: optionalBoolean,
  output_mode: field(literal("tokens", "text"), "tokens"),
  stream: field(nullable(boolean), false),
  stream_options: field(nullable(streamOptions), null),
  cache_salt: extraFields.cache_salt,
  priority: identityFields.priority,
  kv_transfer_params: optionalObject,
  ec_transfer_params: optionalObject,
} as const;

/** A checked body of `POST /inference/v1/generate`. */
export type GenerateTokensRequest = RequestOf<typeof generateTable>;

const reader: RequestReader<GenerateTokensRequest> = compileRequest({
  table: generateTable,
  checks: [checkCacheSalt],
});

/**
 * Checks and types the body of `POST /inference/v1/generate` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseGenerateRequest(body: JsonValue): GenerateTokensRequest {
  return parseWith(reader, body);
}

const integers = list(integer());

/** Members of `sampling_params` that are read, by the property of a chat request they set. */
const SAMPLING_FIELDS: readonly (readonly [
  name: string,
  property: keyof ChatRequest,
  kind: Validator<unknown>,
])[] = [
  ["n", "n", integer()],
  ["presence_penalty", "presencePenalty", float],
  ["frequency_penalty", "frequencyPenalty", float],
  ["repetition_penalty", "repetitionPenalty", float],
  ["temperature", "temperature", float],
  ["watermarking", "watermarking", boolean],
  ["top_p", "topP", float],
  ["top_k", "topK", integer()],
  ["min_p", "minP", float],
  ["seed", "seed", integer()],
  ["stop", "stop", anything],
  ["stop_token_ids", "stopTokenIds", integers],
  ["ignore_eos", "ignoreEos", boolean],
  ["max_tokens", "maxCompletionTokens", integer()],
  ["min_tokens", "minTokens", integer()],
  ["prompt_logprobs", "promptLogprobs", integer()],
  ["logprob_token_ids", "logprobTokenIds", integers],
  ["skip_special_tokens", "skipSpecialTokens", boolean],
  ["spaces_between_special_tokens", "spacesBetweenSpecialTokens", boolean],
  ["include_stop_str_in_output", "includeStopStrInOutput", boolean],
  ["stream_interval", "streamInterval", integer()],
  ["structured_outputs", "structuredOutputs", structuredOutputs],
  ["allowed_token_ids", "allowedTokenIds", integers],
  ["bad_words", "badWords", list(text)],
  ["thinking_token_budget", "thinkingTokenBudget", integer()],
  ["repetition_detection", "repetitionDetection", repetitionDetection],
];

/**
 * The sampling of a request, as a chat request that asks for the same: defaults are those of vLLM's class, not of the
 * model, but for the number of output tokens. Unknown members are ignored.
 *
 * @throws {@link ApiError} 400 for members of the wrong type
 */
export function tokensSampling(request: GenerateTokensRequest): ChatRequest {
  const params = request.samplingParams as JsonObject;
  const read: Record<string, unknown> = {};
  for (const [name, property, kind] of SAMPLING_FIELDS) {
    const value = params.get(name) ?? null;
    if (value === null) continue;
    const result = kind.validate(value, freshState());
    if (isIssues(result)) {
      throw validationError(`${result.list[0]?.message ?? "Invalid value"} - at \`$.${name}\``);
    }
    read[property] = kind === float ? (result as { readonly value: number }).value : result;
  }
  const logprobs = params.get("logprobs") ?? null;
  const extra = params.get("extra_args");
  return {
    ...convertedChatRequest(new Map<string, JsonValue>([["messages", []]])),
    temperature: 1,
    topP: 1,
    topK: 0,
    minP: 0,
    presencePenalty: 0,
    frequencyPenalty: 0,
    repetitionPenalty: 1,
    ...read,
    model: request.model,
    logprobs: logprobs !== null,
    topLogprobs: (logprobs ?? 0) as ChatRequest["topLogprobs"],
    logitBias: biasOf(params.get("logit_bias")),
    stream: request.stream,
    streamOptions: request.streamOptions,
    returnTokenIds: request.returnTokenIds,
    cacheSalt: request.cacheSalt,
    priority: request.priority,
    kvTransferParams: request.kvTransferParams,
    ecTransferParams: request.ecTransferParams,
    vllmXargs: extra instanceof Map ? (extra as ChatRequest["vllmXargs"]) : null,
  };
}

function biasOf(value: JsonValue | undefined): ChatRequest["logitBias"] {
  if (!(value instanceof Map)) return null;
  const bias = new Map<string, number>();
  for (const [id, member] of value as JsonObject) {
    const number = float.validate(member, freshState());
    if (isIssues(number)) throw validationError("Input should be a valid number - at `$.logit_bias`");
    bias.set(id, number.value);
  }
  return bias;
}
