import { validationError } from "../api-error.ts";
import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { isTruthy } from "../json/python-text.ts";
import { checkCacheSalt } from "../request/body-checks.ts";
import { chatMessage } from "../request/messages.ts";
import { type BodyCheck, field, type RequestField, requiredField } from "../request/request-table.ts";
import {
  optionalBoolean,
  optionalInteger,
  optionalObject,
  optionalText,
} from "../request/sampling-fields.ts";
import { dictionary, list } from "../validation/containers.ts";
import { issue } from "../validation/issue.ts";
import { boolean, integer, literal, string } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { anything, nullable, type Validator } from "../validation/validator.ts";

const text = string();
const tokenId = integer();
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** A text as Python holds it: lone surrogates are found only by the tokenizer. */
export const pythonText: Validator<string> = {
  label: "str",
  validate: (input) =>
    typeof input === "string" ? input : issue("string_type", "Input should be a valid string", input),
};

/** A text, or the ids of one, or several of either. */
export type PoolingInput =
  | string
  | readonly string[]
  | readonly (number | bigint)[]
  | readonly (readonly (number | bigint)[])[];

/** `input`. */
export const inputField: RequestField<PoolingInput> = requiredField<PoolingInput>(
  union(list(tokenId), list(list(tokenId)), pythonText, list(pythonText)) as Validator<PoolingInput>,
);

/** How the numbers of an answer are written. */
export const encodingFields = {
  encoding_format: field(literal("float", "base64", "bytes", "bytes_only"), "float"),
  embed_dtype: field(literal("float32", "float16", "bfloat16", "fp8_e4m3", "fp8_e5m2"), "float32"),
  endianness: field(literal("native", "big", "little"), "native"),
} as const;

/** `padding`. */
export const padding = field(nullable(literal("max_length", "do_not_pad")), null);
/** `use_activation`. */
export const useActivation = optionalBoolean;
/** `dimensions`. */
export const dimensions = optionalInteger;
/** `add_special_tokens` of a text. */
export const textSpecialTokens = field(boolean, true);
/** `add_special_tokens` of a conversation: its template brings them. */
export const chatSpecialTokens = field(boolean, false);
/** `messages` of one conversation. */
export const messagesField = requiredField(list(chatMessage));

/** Fields of every pooling request, in vLLM's order. */
export const identityFields = {
  model: optionalText,
  user: optionalText,
} as const;

/** `truncate_prompt_tokens`. */
export const truncatePromptTokens = field(nullable(integer({ atLeast: -1 })), null);
/** `truncation_side`. */
const truncationSide = field(nullable(literal("left", "right")), null);
/** `request_id`: null when the client gave none. The client itself cannot say null. */
export const requestId: RequestField<string | null> = {
  validator: text,
  fallback: null,
} as const;
/** `priority`. */
export const priority = field(integer({ atLeast: INT64_MIN, atMost: INT64_MAX }), 0);

/** Fields at the end of every pooling request, in vLLM's order. */
export const closingFields = {
  truncation_side: truncationSide,
  request_id: requestId,
  priority,
  mm_processor_kwargs: optionalObject,
  cache_salt: field(nullable(string({ minLength: 1, maxLength: 1024 })), null),
} as const;

/** Fields about a conversation, in vLLM's order. */
export const chatOptionFields = {
  add_generation_prompt: field(boolean, false),
  continue_final_message: field(boolean, false),
  chat_template: optionalText,
  chat_template_kwargs: optionalObject,
  media_io_kwargs: field(nullable(dictionary(text, dictionary(text, anything))), null),
} as const;

/** The checks of the raw body of every pooling request. */
export const poolingChecks: readonly BodyCheck[] = [checkCacheSalt];

/** The checks of the raw body of a pooling request with a conversation. */
export const poolingChatChecks: readonly BodyCheck[] = [checkCacheSalt, checkGenerationPrompt];

/** Pooling knows no default that could clash: only both flags together are refused. */
function checkGenerationPrompt(body: JsonObject): JsonObject {
  if (isTruthy(body.get("continue_final_message")) && isTruthy(body.get("add_generation_prompt"))) {
    throw validationError("Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
  }
  return body;
}

const REMOVED_TASKS: ReadonlyMap<JsonValue, string> = new Map([
  ["score", "`score` task was removed; use `classify` instead."],
  ["encode", "`encode` task was removed; use `token_embed` or `token_classify` instead."],
]);

/**
 * Refuses parameters and tasks that vLLM once had. It looks at them before anything else in the body.
 *
 * @throws {@link ApiError}
 */
export function refuseRemovedParameters(body: JsonValue): void {
  if (!(body instanceof Map)) return;
  if (body.has("normalize")) {
    throw validationError("Parameter `normalize` was removed; use `use_activation` instead.", "normalize");
  }
  const removed = REMOVED_TASKS.get((body as JsonObject).get("task") ?? null);
  if (removed !== undefined) throw validationError(removed, "task");
}
