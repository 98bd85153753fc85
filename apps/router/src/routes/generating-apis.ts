import {
  anthropicErrorBody,
  type BatchChatRequest,
  parseBatchChatRequest,
  parseChatRequest,
  parseCompletionRequest,
  parseGenerativeScoringRequest,
  parseMessagesRequest,
  type ChatRequest,
  type CompletionRequest,
  type GenerativeScoringRequest,
} from "@vllm-router/api";
import { requiredFieldsOf } from "../pipeline/engine-fields.ts";
import { prepareBatchChat, prepareChat } from "../pipeline/prepare-chat.ts";
import { prepareCompletion } from "../pipeline/prepare-completion.ts";
import { fieldsOfLabelReads } from "../pipeline/label-reads.ts";
import { prepareGenerativeScoring } from "../pipeline/prepare-generative-scoring.ts";
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

/** `POST /generative_scoring`. */
export const GENERATIVE_SCORING: GeneratingApi<
  Omit<GenerativeScoringRequest, "requestId"> & {
    readonly user: null;
    readonly sessionId: null;
    readonly requestId: string | null;
  }
> = {
  idPrefix: "generative-scoring-",
  parse: (body) => ({ ...parseGenerativeScoringRequest(body), user: null, sessionId: null }),
  requiredFields: fieldsOfLabelReads,
  prepare: prepareGenerativeScoring,
};

/** `POST /v1/chat/completions/batch`. */
export const BATCH_CHAT: GeneratingApi<BatchChatRequest> = {
  idPrefix: "chatcmpl-",
  parse: parseBatchChatRequest,
  requiredFields: ({ conversations }, context) =>
    conversations.slice(0, 1).flatMap((conversation) => requiredFieldsOf(conversation, context)),
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
