import {
  anthropicErrorBody,
  type BatchChatRequest,
  parseBatchChatRequest,
  parseChatRequest,
  parseCompletionRequest,
  parseMessagesRequest,
  type ChatRequest,
  type CompletionRequest,
} from "@vllm-router/api";
import { requiredFieldsOf } from "../pipeline/make-plan.ts";
import { prepareBatchChat, prepareChat } from "../pipeline/prepare-chat.ts";
import { prepareCompletion } from "../pipeline/prepare-completion.ts";
import {
  messagesRequiredFields,
  identifiedMessages,
  prepareMessages,
  type IdentifiedMessages,
} from "../pipeline/prepare-messages.ts";
import type { GeneratingApi } from "./generate-route.ts";

/** `POST /v1/chat/completions`. */
export const CHAT: GeneratingApi<ChatRequest> = {
  idPrefix: "chatcmpl-",
  parse: parseChatRequest,
  requiredFields: requiredFieldsOf,
  prepare: prepareChat,
};

/** `POST /v1/completions`. */
export const COMPLETIONS: GeneratingApi<CompletionRequest> = {
  idPrefix: "cmpl-",
  parse: parseCompletionRequest,
  requiredFields: requiredFieldsOf,
  prepare: prepareCompletion,
};

/** `POST /v1/chat/completions/batch`. */
export const BATCH_CHAT: GeneratingApi<BatchChatRequest> = {
  idPrefix: "chatcmpl-",
  parse: parseBatchChatRequest,
  requiredFields: ({ conversations }) => conversations.slice(0, 1).flatMap(requiredFieldsOf),
  prepare: prepareBatchChat,
};

/** `POST /v1/messages`. Its own refusals come in Anthropic's shape, those of the body's fields in OpenAI's, as with vLLM. */
export const MESSAGES: GeneratingApi<IdentifiedMessages> = {
  idPrefix: "chatcmpl-",
  parse: (body) => identifiedMessages(parseMessagesRequest(body)),
  requiredFields: messagesRequiredFields,
  prepare: prepareMessages,
  errorBody: anthropicErrorBody,
};
