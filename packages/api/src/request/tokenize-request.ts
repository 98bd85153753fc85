import type { ApiError } from "../api-error.ts";
import type { JsonValue } from "../json/json-value.ts";
import { dictionary, list } from "../validation/containers.ts";
import { Issues } from "../validation/issue.ts";
import { boolean, integer, string } from "../validation/scalars.ts";
import { anything, freshState, isIssues, nullable, type ValidationState } from "../validation/validator.ts";
import { checkGenerationPrompt } from "./chat-checks.ts";
import { chatMessage, readMessages } from "./messages.ts";
import {
  compileRequest,
  field,
  parseWith,
  type RequestOf,
  type RequestReader,
  requiredField,
} from "./request-table.ts";
import { optionalObject, optionalText } from "./sampling-fields.ts";
import { tool } from "./tool-shapes.ts";

const text = string();

const completionTable = {
  model: optionalText,
  prompt: requiredField(text),
  add_special_tokens: field(boolean, true),
  return_token_strs: field(nullable(boolean), false),
} as const;

const chatTable = {
  model: optionalText,
  messages: requiredField(list(chatMessage)),
  add_generation_prompt: field(boolean, true),
  return_token_strs: field(nullable(boolean), false),
  continue_final_message: field(boolean, false),
  add_special_tokens: field(boolean, false),
  chat_template: optionalText,
  chat_template_kwargs: optionalObject,
  media_io_kwargs: field(nullable(dictionary(text, dictionary(text, anything))), null),
  mm_processor_kwargs: optionalObject,
  tools: field(nullable(list(tool)), null),
} as const;

const detokenizeTable = {
  model: optionalText,
  tokens: requiredField(list(integer({ atLeast: 0, atMost: 2n ** 63n - 1n }))),
} as const;

type TokenizeCompletionFields = RequestOf<typeof completionTable>;
type TokenizeChatFields = RequestOf<typeof chatTable>;

/** `POST /tokenize` with a `prompt`. */
export interface TokenizeCompletionRequest extends TokenizeCompletionFields {
  readonly kind: "completion";
}

/** `POST /tokenize` with `messages`. */
export interface TokenizeChatRequest extends Omit<TokenizeChatFields, "messages"> {
  readonly kind: "chat";
  readonly messages: readonly JsonValue[];
  /** As in a chat request: to be thrown after the checks of model and template. */
  readonly lateError: ApiError | undefined;
}

/** Either form of `POST /tokenize`. */
export type TokenizeRequest = TokenizeCompletionRequest | TokenizeChatRequest;

/** `POST /detokenize`. */
export interface DetokenizeRequest extends RequestOf<typeof detokenizeTable> {}

const completionReader: RequestReader<TokenizeCompletionFields> = compileRequest({
  table: completionTable,
  checks: [],
});
const chatReader: RequestReader<TokenizeChatFields> = compileRequest({
  table: chatTable,
  checks: [checkGenerationPrompt],
});
const detokenizeReader: RequestReader<DetokenizeRequest> = compileRequest({
  table: detokenizeTable,
  checks: [],
});

/**
 * Checks and types the body of `POST /tokenize`. Where both forms fit, the one with more fields wins, as in pydantic.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseTokenizeRequest(body: JsonValue): TokenizeRequest {
  return parseWith({ read: readTokenize }, body);
}

function readTokenize(body: JsonValue): TokenizeRequest | Issues {
  const completionState = freshState();
  const chatState = freshState();
  const completion = completionReader.read(body, completionState);
  const chat = readChat(body, chatState);
  if (isIssues(completion)) return isIssues(chat) ? new Issues([...completion.list, ...chat.list]) : chat;
  if (isIssues(chat) || (completionState.fieldsSet ?? 0) >= (chatState.fieldsSet ?? 0)) {
    return { kind: "completion", ...completion };
  }
  return chat;
}

function readChat(body: JsonValue, state: ValidationState): TokenizeChatRequest | Issues {
  const fields = chatReader.read(body, state);
  if (isIssues(fields)) return fields;
  const read = readMessages(fields.messages, { callsAtOnce: false });
  if (isIssues(read)) return read;
  return { kind: "chat", ...fields, messages: read.messages, lateError: read.lateError };
}

/**
 * Checks and types the body of `POST /detokenize`.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseDetokenizeRequest(body: JsonValue): DetokenizeRequest {
  return parseWith(detokenizeReader, body);
}
