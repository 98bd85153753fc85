import { badRequestError, validationError } from "../api-error.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { isTruthy, pythonTypeName } from "../json/python-text.ts";
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
import { normaliseMessages } from "./messages.ts";
import { notIterableError } from "./python-errors.ts";
import type { BodyCheck } from "./request-table.ts";
import { checkToolChoice } from "./tool-choice.ts";

const TEXT_PARTS = new Set<JsonValue>([
  "text",
  "input_text",
  "output_text",
  "refusal",
  "thinking",
  "tool_reference",
]);
const MEDIA_KEYS = (
  "input_image image_url image_embeds audio_embeds video_embeds prompt_embeds image_pil " +
  "audio_url input_audio video_url"
).split(" ");

const SYSTEM_MEDIA_KEYS = [
  "image_url",
  "image_pil",
  "image_embeds",
  "audio_url",
  "input_audio",
  "audio_embeds",
  "video_url",
] as const;

/** vLLM looks through the system messages here to warn of media; this fails where that fails. */
function walkMessages(body: JsonObject): JsonObject {
  const messages = body.get("messages");
  if (messages === undefined || typeof messages === "string" || messages instanceof Map) return body;
  if (!isJsonArray(messages)) throw notIterableError(messages);
  for (const message of messages) {
    if (!(message instanceof Map) || message.get("role") !== "system") continue;
    const content = (message as JsonObject).get("content");
    if (isJsonArray(content)) for (const part of content) checkPartType(part);
  }
  return body;
}

/** The type becomes part of the warning's cache key, so it must be something Python can hash. */
function checkPartType(part: JsonValue): void {
  if (!(part instanceof Map)) return;
  const type = (part as JsonObject).get("type") ?? null;
  if (type === null && SYSTEM_MEDIA_KEYS.some((key) => part.has(key))) return;
  const hashable = !(type instanceof Map) && !isJsonArray(type);
  if (!hashable && isTruthy(type)) throw badRequestError(`unhashable type: '${pythonTypeName(type)}'`);
}

/** Forwarded prompt ids would drop the media of the messages, so the ids are dropped. */
function dropPromptIdsWithMedia(body: JsonObject): JsonObject {
  const params = body.get("kv_transfer_params");
  if (!(params instanceof Map) || ((params as JsonObject).get("prompt_token_ids") ?? null) === null)
    return body;
  if (!hasMedia(body.get("messages"))) return body;
  const rest: JsonObject = new Map(params as JsonObject);
  rest.delete("prompt_token_ids");
  return new Map(body).set("kv_transfer_params", rest);
}

function hasMedia(messages: JsonValue | undefined): boolean {
  if (!isJsonArray(messages)) return false;
  return messages.some((message) => {
    const content = message instanceof Map ? (message as JsonObject).get("content") : undefined;
    return isJsonArray(content) && content.some(isMediaPart);
  });
}

function isMediaPart(part: JsonValue): boolean {
  if (!(part instanceof Map)) return false;
  if (MEDIA_KEYS.some((key) => part.has(key))) return true;
  return part.has("type") && !TEXT_PARTS.has((part as JsonObject).get("type") as JsonValue);
}

/** `continue_final_message` and `add_generation_prompt` exclude each other. */
export function checkGenerationPrompt(body: JsonObject): JsonObject {
  if (isTruthy(body.get("continue_final_message")) && isTruthy(body.get("add_generation_prompt"))) {
    throw validationError("Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
  }
  return body;
}

function checkStructuredOutputs(body: JsonObject): JsonObject {
  const structuredOutputs = body.get("structured_outputs") ?? null;
  if (structuredOutputs === null) return body;
  const count = countConstraints(structuredOutputs);
  if (count > 1) {
    throw validationError(
      "You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice').",
    );
  }
  const choice = body.has("tool_choice") ? body.get("tool_choice") : "none";
  if (count > 0 && choice !== "none" && choice !== "auto" && choice !== "required") {
    throw validationError("You can only either use constraints for structured outputs or tools, not both.");
  }
  checkStructuralTag(structuredOutputs as JsonObject);
  return body;
}

function checkLogprobs(body: JsonObject): JsonObject {
  if (isTruthy(body.get("logprob_token_ids"))) {
    if (isTruthy(body.get("use_beam_search"))) {
      throw validationError("`logprob_token_ids` is not supported with beam search.", "logprob_token_ids");
    }
    if (!isTruthy(body.get("logprobs"))) {
      throw validationError(
        "when using `logprob_token_ids`, `logprobs` must be set to true.",
        "logprob_token_ids",
      );
    }
  }
  checkLogprobNumbers(body, "top_logprobs");
  checkPromptLogprobs(body);
  const value = body.get("top_logprobs") ?? null;
  const count = rawNumber(value);
  if (count === undefined) return body;
  if (count < 0 && count !== -1) {
    throw validationError("`top_logprobs` must be a positive value or -1.", "top_logprobs", value);
  }
  if ((count === -1 || count > 0) && !isTruthy(body.get("logprobs"))) {
    throw validationError("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs");
  }
  return body;
}

function normalise(body: JsonObject): JsonObject {
  const messages = body.get("messages");
  if (messages === undefined) return body;
  const normalised = normaliseMessages(messages);
  return normalised === messages ? body : new Map(body).set("messages", normalised);
}

/** Checks of the raw chat body, in the order in which vLLM 0.32 runs them. */
export const chatChecks: readonly BodyCheck[] = [
  walkMessages,
  dropPromptIdsWithMedia,
  checkGenerationPrompt,
  checkToolChoice,
  checkStructuredOutputs,
  checkLogprobs,
  checkStreamOptions,
  checkResponseFormat,
  normalise,
  checkCacheSalt,
  applyMediaPayloadAlias,
];
