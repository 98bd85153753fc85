import { type ApiError, badRequestError } from "../api-error.ts";
import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { dictionary, list } from "../validation/containers.ts";
import type { Issues } from "../validation/issue.ts";
import { validationErrorText } from "../validation/issue-text.ts";
import {
  anything,
  before,
  freshState,
  isIssues,
  nullable,
  type ValidationState,
  type Validator,
} from "../validation/validator.ts";
import { boolean, integer, literal, string } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { chatChecks } from "./chat-checks.ts";
import { chatMessage, readMessages } from "./messages.ts";
import {
  compileRequest,
  type FieldShape,
  field,
  parseWith,
  type RequestOf,
  type RequestReader,
  requiredField,
} from "./request-table.ts";
import {
  extraFields,
  identityFields,
  logitBias,
  mediaAnswerFields,
  optionalBoolean,
  optionalFloat,
  optionalInteger,
  optionalIntegers,
  optionalObject,
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
import { namedToolChoice, tool } from "./tool-shapes.ts";

const text = string();
const number = integer();

/** Body of `POST /v1/chat/completions`, in the order of vLLM 0.32's `ChatCompletionRequest`. */
const chatTable = {
  /** Messages as validated: unknown members are kept. */
  messages: requiredField(list(chatMessage)),
  model: optionalText,
  frequency_penalty: optionalFloat,
  logit_bias: logitBias,
  logprobs: field(nullable(boolean), false),
  top_logprobs: field(
    before((value) => value ?? 0, number),
    0,
  ),
  /** Superseded by `max_completion_tokens`, which wins. */
  max_tokens: optionalInteger,
  max_completion_tokens: optionalInteger,
  n: field(nullable(number), 1),
  presence_penalty: optionalFloat,
  response_format: responseFormatField,
  seed,
  stop,
  stream: field(nullable(boolean), false),
  stream_options: streamOptionsField,
  temperature: optionalFloat,
  top_p: optionalFloat,
  /** As templates see them: see `tool`. */
  tools: field(nullable(list(tool)), null),
  tool_choice: field(
    nullable(union(literal("none"), literal("auto"), literal("required"), namedToolChoice)),
    "none",
  ),
  reasoning_effort: field(
    nullable(literal("none", "minimal", "low", "medium", "high", "xhigh", "max")),
    null,
  ),
  thinking_token_budget: thinkingTokenBudget,
  include_reasoning: field(boolean, true),
  parallel_tool_calls: field(nullable(boolean), true),
  user: optionalText,
  ...samplingFields,
  prompt_logprobs: optionalInteger,
  logprob_token_ids: optionalIntegers,
  allowed_token_ids: optionalIntegers,
  bad_words: field(list(text), []),
  echo: field(boolean, false),
  add_generation_prompt: field(boolean, true),
  continue_final_message: field(boolean, false),
  add_special_tokens: field(boolean, false),
  documents: field(nullable(list(dictionary(text, text))), null),
  chat_template: optionalText,
  chat_template_kwargs: optionalObject,
  media_io_kwargs: field(nullable(dictionary(text, dictionary(text, anything))), null),
  mm_processor_kwargs: optionalObject,
  structured_outputs: structuredOutputsField,
  ...identityFields,
  return_prompt_text: optionalBoolean,
  ...mediaAnswerFields,
  ...extraFields,
  stream_interval: streamInterval,
} as const;

/** The typed fields of a chat request, defaults applied; `null` where vLLM has `None`. */
type ChatFields = RequestOf<typeof chatTable>;

/** A checked chat request. */
export interface ChatRequest extends Omit<ChatFields, "messages"> {
  readonly messages: readonly JsonValue[];
  /**
   * Refusal that vLLM finds only while rendering the messages (bad content parts): throw it after the checks of model,
   * tools and template.
   */
  readonly lateError: ApiError | undefined;
}

const reader: RequestReader<ChatFields> = compileRequest({ table: chatTable, checks: chatChecks });

/** Fields of a chat request. */
export const chatFields: readonly FieldShape[] = reader.fields;

/**
 * Checks and types the body of `POST /v1/chat/completions` as vLLM 0.32 does. The body is not changed.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseChatRequest(body: JsonValue): ChatRequest {
  return parseWith({ read: readChat }, body);
}

/**
 * A chat request that vLLM builds itself from another API's request: the same checks, but findings about its fields are
 * told in Python's words.
 *
 * @throws {@link ApiError} 400
 */
export function convertedChatRequest(body: JsonObject): ChatRequest {
  const request = readChat(body, { ...freshState(), isPython: true });
  if (isIssues(request)) throw badRequestError(validationErrorText("ChatCompletionRequest", request));
  return request;
}

/** A chat request inside another body. */
export const chatRequestShape: Validator<ChatRequest> = {
  label: "ChatCompletionRequest",
  validate: readChat,
};

function readChat(body: JsonValue, state: ValidationState): ChatRequest | Issues {
  const fields = reader.read(body, state);
  if (isIssues(fields)) return fields;
  const read = readMessages(fields.messages, { callsAtOnce: true, isSecondReading: state.isPython === true });
  if (isIssues(read)) return read;
  return { ...fields, messages: read.messages, lateError: read.lateError };
}
