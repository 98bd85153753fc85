import {
  parseChatRequest,
  parseCompletionRequest,
  type ChatRequest,
  type CompletionRequest,
} from "@vllm-router/api";
import { prepareChat } from "../pipeline/prepare-chat.ts";
import { prepareCompletion } from "../pipeline/prepare-completion.ts";
import type { GeneratingApi } from "./generate-route.ts";

/** `POST /v1/chat/completions`. */
export const CHAT: GeneratingApi<ChatRequest> = {
  idPrefix: "chatcmpl-",
  parse: parseChatRequest,
  prepare: prepareChat,
};

/** `POST /v1/completions`. */
export const COMPLETIONS: GeneratingApi<CompletionRequest> = {
  idPrefix: "cmpl-",
  parse: parseCompletionRequest,
  prepare: prepareCompletion,
};
