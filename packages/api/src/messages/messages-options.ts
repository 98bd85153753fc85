import type { ChatRequest } from "../request/chat-request.ts";
import type { ResponseOptions } from "../response/response-options.ts";

/** What the writers of the Messages API need: those of the chat request it was converted to, and randomness. */
export interface MessagesResponseOptions extends ResponseOptions<ChatRequest> {
  /** 16 random hexadecimal characters, for signatures of thinking and ids of calls. */
  readonly randomId: () => string;
}

/** Signature of a thinking block: 32 random hexadecimal characters, as vLLM makes them up. */
export function thinkingSignature(randomId: () => string): string {
  return randomId() + randomId();
}
