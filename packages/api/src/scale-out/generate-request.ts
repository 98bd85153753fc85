import { JsonFloat, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { checkCacheSalt } from "../request/body-checks.ts";
import { type ChatRequest, convertedChatRequest } from "../request/chat-request.ts";
import { streamOptions } from "../request/output-shapes.ts";
import {
  compileRequest,
  type FieldShape,
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
import { dictionary, list, pair } from "../validation/containers.ts";
import { anything, nullable } from "../validation/validator.ts";
import { boolean, integer, literal, string } from "../validation/scalars.ts";
import { optional, record, required } from "../validation/record.ts";
import { samplingParams } from "./sampling-params.ts";

const text = string();

/** Start and end of a token in the prompt's text. */
const pairOfIntegers = pair(integer());

const serializedItems = optional(nullable(dictionary(text, list(nullable(text)))));

/** Media as the render route describes them. */
const multiModalFeatures = record({
  name: "MultiModalFeatures",
  kind: "closed-model",
  fields: {
    mm_hashes: required(dictionary(text, list(text))),
    mm_placeholders: required(
      dictionary(
        text,
        list(
          record({
            name: "PlaceholderRangeInfo",
            kind: "closed-model",
            fields: { offset: required(integer()), length: required(integer()) },
          }),
        ),
      ),
    ),
    kwargs_data: serializedItems,
    mm_metadata: serializedItems,
  },
});

/** Arguments of the engine's reasoning parser: nothing but those of the template. */
const reasoningParserKwargs = record({
  name: "ReasoningParserKwargs",
  kind: "forbidding-model",
  fields: { chat_template_kwargs: optional(dictionary(text, anything)) },
});

/** Body of `POST /inference/v1/generate`, in the order of vLLM 0.32's `GenerateRequest`. */
const generateTable = {
  request_id: identityFields.request_id,
  token_ids: requiredField(
    after(list(integer(), { minLength: 1 }), (ids) =>
      ids.some((id) => id < 0) ? "token_ids must not contain negative values" : undefined,
    ),
  ),
  token_offsets: field(nullable(list(pairOfIntegers)), null),
  features: field(nullable(multiModalFeatures), null),
  content_parts: field(nullable(list(dictionary(text, anything))), null),
  sampling_params: requiredField(samplingParams),
  model: optionalText,
  reasoning_ended: optionalBoolean,
  reasoning_parser_kwargs: field(nullable(reasoningParserKwargs), null),
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

/** Fields of a request with token ids. */
export const generateFields: readonly FieldShape[] = reader.fields;

/**
 * Checks and types the body of `POST /inference/v1/generate` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseGenerateRequest(body: JsonValue): GenerateTokensRequest {
  return parseWith(reader, body);
}

/** Members of `sampling_params` that are read, by the property of a chat request they set. */
const SAMPLING_PROPERTIES: ReadonlyMap<string, keyof ChatRequest> = new Map([
  ["n", "n"],
  ["presence_penalty", "presencePenalty"],
  ["frequency_penalty", "frequencyPenalty"],
  ["repetition_penalty", "repetitionPenalty"],
  ["temperature", "temperature"],
  ["watermarking", "watermarking"],
  ["top_p", "topP"],
  ["top_k", "topK"],
  ["min_p", "minP"],
  ["seed", "seed"],
  ["stop", "stop"],
  ["stop_token_ids", "stopTokenIds"],
  ["ignore_eos", "ignoreEos"],
  ["max_tokens", "maxCompletionTokens"],
  ["min_tokens", "minTokens"],
  ["prompt_logprobs", "promptLogprobs"],
  ["logprob_token_ids", "logprobTokenIds"],
  ["skip_special_tokens", "skipSpecialTokens"],
  ["spaces_between_special_tokens", "spacesBetweenSpecialTokens"],
  ["include_stop_str_in_output", "includeStopStrInOutput"],
  ["stream_interval", "streamInterval"],
  ["structured_outputs", "structuredOutputs"],
  ["allowed_token_ids", "allowedTokenIds"],
  ["bad_words", "badWords"],
  ["thinking_token_budget", "thinkingTokenBudget"],
  ["repetition_detection", "repetitionDetection"],
  ["routed_experts_prompt_start", "routedExpertsPromptStart"],
]);

/**
 * The sampling of a request, as a chat request that asks for the same: defaults are those of vLLM's class, not of the
 * model, but for the number of output tokens. Unknown members are ignored.
 *
 */
export function tokensSampling(request: GenerateTokensRequest): ChatRequest {
  const params = request.samplingParams as JsonObject;
  const read: Record<string, unknown> = {};
  for (const [name, property] of SAMPLING_PROPERTIES) {
    const value = params.get(name) ?? null;
    if (value !== null) read[property] = value instanceof JsonFloat ? value.value : value;
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

/** Ids were read as integers; here their text is wanted, as other requests give it. */
function biasOf(value: JsonValue | undefined): ChatRequest["logitBias"] {
  if (!(value instanceof Map)) return null;
  return new Map([...(value as JsonObject)].map(([id, member]) => [id, (member as JsonFloat).value]));
}
