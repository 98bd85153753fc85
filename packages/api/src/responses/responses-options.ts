import type { ChatRequest } from "../request/chat-request.ts";
import type { ResponseOptions } from "../response/response-options.ts";
import type { HarmonyHistory } from "./harmony-conversation.ts";
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

/** A finished response, as it is kept for later requests. */
export interface FinishedResponse {
  /** The response as one body. */
  readonly body: string;
  /** Texts of its messages. */
  readonly answers: readonly string[];
  /** What requests go on from with gpt-oss. */
  readonly harmony?: HarmonyHistory;
}

/** What the writers of the Responses API need: those of the chat request it was converted to, and what they echo. */
export interface ResponsesOptions extends ResponseOptions<ChatRequest> {
  readonly responses: ResponsesRequest;
  readonly sampling: ShownSampling;
  /** 16 random hexadecimal characters, for ids of items and calls. */
  readonly randomId: () => string;
  /** Told of the finished response, before its end is written; absent where nobody keeps it. */
  readonly finished?: ((response: FinishedResponse) => void) | undefined;
}
