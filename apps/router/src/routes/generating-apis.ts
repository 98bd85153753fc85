import {
  type BatchChatRequest,
  parseBatchChatRequest,
  parseChatRequest,
  parseCompletionRequest,
  parseGenerativeScoringRequest,
  type ChatRequest,
  type CompletionRequest,
  type GenerativeScoringRequest,
} from "@vllm-router/api";
import { requiredFieldsOf } from "../pipeline/make-plan.ts";
import { prepareBatchChat, prepareChat } from "../pipeline/prepare-chat.ts";
import { prepareCompletion } from "../pipeline/prepare-completion.ts";
import {
  fieldsOfGenerativeScoring,
  prepareGenerativeScoring,
} from "../pipeline/prepare-generative-scoring.ts";
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
  GenerativeScoringRequest & { readonly user: null; readonly sessionId: null; readonly requestId: string }
> = {
  idPrefix: "generative-scoring-",
  parse(body) {
    const request = parseGenerativeScoringRequest(body);
    return { ...request, requestId: request.requestId ?? "", user: null, sessionId: null };
  },
  requiredFields: fieldsOfGenerativeScoring,
  prepare: prepareGenerativeScoring,
};

/** `POST /v1/chat/completions/batch`. */
export const BATCH_CHAT: GeneratingApi<BatchChatRequest> = {
  idPrefix: "chatcmpl-",
  parse: parseBatchChatRequest,
  requiredFields: ({ conversations }) => conversations.slice(0, 1).flatMap(requiredFieldsOf),
  prepare: prepareBatchChat,
};
