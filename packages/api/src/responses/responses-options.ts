import type { ChatRequest } from "../request/chat-request.ts";
import type { ResponseOptions } from "../response/response-options.ts";
import type { ResponsesRequest } from "./responses-request.ts";

/** Sampling as resolved, which answers of the Responses API show. */
export interface ShownSampling {
  readonly temperature: number;
  readonly topP: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly maxTokens: number;
  /** Alternatives asked for; undefined without logprobs. */
  readonly logprobs: number | undefined;
}

/** What the writers of the Responses API need: those of the chat request it was converted to, and what they echo. */
export interface ResponsesOptions extends ResponseOptions<ChatRequest> {
  readonly responses: ResponsesRequest;
  readonly sampling: ShownSampling;
  /** 16 random hexadecimal characters, for ids of items and calls. */
  readonly randomId: () => string;
}
