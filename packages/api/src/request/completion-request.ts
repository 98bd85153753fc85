import { validationError } from "../api-error.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { isTruthy } from "../json/python-text.ts";
import { list } from "../validation/containers.ts";
import { issue } from "../validation/issue.ts";
import { boolean, integer, string } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { floorExactness, LAX, nullable, type Validator } from "../validation/validator.ts";
import {
  applyMediaPayloadAlias,
  checkCacheSalt,
  checkLogprobNumbers,
  checkPromptLogprobs,
  checkResponseFormat,
  checkStreamOptions,
  checkStructuralTag,
  countConstraints,
  rawNumber,
} from "./body-checks.ts";
import {
  type BodyCheck,
  compileRequest,
  type FieldShape,
  field,
  parseWith,
  type RequestOf,
  type RequestReader,
} from "./request-table.ts";
import {
  extraFields,
  identityFields,
  logitBias,
  mediaAnswerFields,
  optionalFloat,
  optionalInteger,
  optionalIntegers,
  optionalText,
  responseFormatField,
  samplingFields,
  seed,
  stop,
  streamInterval,
  streamOptionsField,
  structuredOutputsField,
  thinkingTokenBudget,
} from "./sampling-fields.ts";

/** Prompts one request may bring (`VLLM_MAX_COMPLETION_PROMPTS`). */
export const MAX_COMPLETION_PROMPTS = 1024;

/** Output tokens when the request does not say. */
const DEFAULT_MAX_TOKENS = 16;

const text = string();
const tokenId = integer({ atLeast: 0 });

/** Python's `bytes`, which JSON can only bring as a string. */
const bytes: Validator<string> = {
  label: "bytes",
  validate(input, state) {
    if (typeof input !== "string") return issue("bytes_type", "Input should be a valid bytes", input);
    floorExactness(state, LAX);
    return input;
  },
};

/** Body of `POST /v1/completions`, in the order of vLLM 0.32's `CompletionRequest`. */
const completionTable = {
  model: optionalText,
  /** One prompt or several, as text or as token ids. */
  prompt: field(nullable(union(list(tokenId), list(list(tokenId)), text, list(text))), null),
  echo: field(nullable(boolean), false),
  frequency_penalty: optionalFloat,
  logit_bias: logitBias,
  logprobs: optionalInteger,
  max_tokens: field(nullable(integer()), DEFAULT_MAX_TOKENS),
  n: field(integer(), 1),
  presence_penalty: optionalFloat,
  seed,
  stop,
  stream: field(nullable(boolean), false),
  stream_options: streamOptionsField,
  suffix: optionalText,
  temperature: optionalFloat,
  top_p: optionalFloat,
  user: optionalText,
  ...samplingFields,
  allowed_token_ids: optionalIntegers,
  prompt_logprobs: optionalInteger,
  logprob_token_ids: optionalIntegers,
  bad_words: field(list(text), []),
  prompt_embeds: field(nullable(union(bytes, list(bytes))), null),
  add_special_tokens: field(boolean, true),
  response_format: responseFormatField,
  structured_outputs: structuredOutputsField,
  ...identityFields,
  ...mediaAnswerFields,
  ...extraFields,
  thinking_token_budget: thinkingTokenBudget,
  stream_interval: streamInterval,
} as const;

/** A checked completion request, defaults applied; `null` where vLLM has `None`. */
export interface CompletionRequest extends RequestOf<typeof completionTable> {}

function checkPromptCount(body: JsonObject): JsonObject {
  const message = (name: string, count: number): string =>
    `${name} list length ${count} exceeds the maximum allowed count of ${MAX_COMPLETION_PROMPTS}. To increase this ` +
    "limit, set the VLLM_MAX_COMPLETION_PROMPTS environment variable.";
  const prompt = body.get("prompt");
  if (isJsonArray(prompt) && prompt.length > MAX_COMPLETION_PROMPTS && !isPythonInteger(prompt[0])) {
    throw validationError(message("prompt", prompt.length), "prompt");
  }
  const embeds = body.get("prompt_embeds");
  if (isJsonArray(embeds) && embeds.length > MAX_COMPLETION_PROMPTS) {
    throw validationError(message("prompt_embeds", embeds.length), "prompt_embeds");
  }
  return body;
}

function isPythonInteger(value: JsonValue | undefined): boolean {
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
}

function checkPromptGiven(body: JsonObject): JsonObject {
  const prompt = body.get("prompt") ?? null;
  const embeds = body.get("prompt_embeds") ?? null;
  if (
    (prompt === null || prompt === "") &&
    (embeds === null || (isJsonArray(embeds) && embeds.length === 0))
  ) {
    throw validationError("Either prompt or prompt_embeds must be provided and non-empty.", "prompt");
  }
  return body;
}

function checkLogprobs(body: JsonObject): JsonObject {
  const ids = isTruthy(body.get("logprob_token_ids"));
  const beams = isTruthy(body.get("use_beam_search"));
  const echo = isTruthy(body.get("echo"));
  const logprobs = body.get("logprobs") ?? null;
  if (ids && beams) {
    throw validationError("`logprob_token_ids` is not supported with beam search.", "logprob_token_ids");
  }
  if (beams && echo && logprobs !== null) {
    throw validationError(
      "`echo` with `logprobs` is not supported with beam search because beam search does not compute prompt logprobs.",
      "echo",
    );
  }
  if (ids && echo && rawNumber(body.get("max_tokens")) === 0) {
    throw validationError(
      "`logprob_token_ids` is not supported when `echo=True` and `max_tokens=0` because no output tokens are generated.",
      "logprob_token_ids",
    );
  }
  if (ids && logprobs === null) {
    throw validationError("when using `logprob_token_ids`, `logprobs` must be set.", "logprob_token_ids");
  }
  checkLogprobNumbers(body, "logprobs");
  checkPromptLogprobs(body);
  const count = rawNumber(logprobs);
  if (count !== undefined && count < 0 && count !== -1) {
    throw validationError("`logprobs` must be a positive value or -1.", "logprobs", logprobs);
  }
  return body;
}

function checkStructuredOutputs(body: JsonObject): JsonObject {
  const structuredOutputs = body.get("structured_outputs") ?? null;
  if (structuredOutputs === null) return body;
  if (countConstraints(structuredOutputs) > 1) {
    throw validationError(
      "You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice').",
      "structured_outputs",
    );
  }
  checkStructuralTag(structuredOutputs as JsonObject);
  return body;
}

function applyDefaultMaxTokens(body: JsonObject): JsonObject {
  return body.get("max_tokens") === null ? new Map(body).set("max_tokens", DEFAULT_MAX_TOKENS) : body;
}

/** In the order in which vLLM 0.32 runs them. */
const checks: readonly BodyCheck[] = [
  checkPromptCount,
  checkPromptGiven,
  checkStreamOptions,
  checkLogprobs,
  checkStructuredOutputs,
  checkResponseFormat,
  applyDefaultMaxTokens,
  checkCacheSalt,
  applyMediaPayloadAlias,
];

const reader: RequestReader<CompletionRequest> = compileRequest({ table: completionTable, checks });

/** A completion request inside another body. */
export const completionRequestShape: Validator<CompletionRequest> = {
  label: "CompletionRequest",
  validate: (input, state) => reader.read(input, state),
};

/** Fields of a completion request. */
export const completionFields: readonly FieldShape[] = reader.fields;

/**
 * Checks and types the body of `POST /v1/completions` as vLLM 0.32 does. The body is not changed.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseCompletionRequest(body: JsonValue): CompletionRequest {
  return parseWith(reader, body);
}
