/** How a chat answer ended, as far as the Messages API tells it. */
export interface ChatEnd {
  /** `finish_reason` of the chat choice. */
  readonly finishReason: string;
  /** `stop_reason` of the chat choice. */
  readonly stopReason: string | number | null;
  /** A `tool_use` block was sent. */
  readonly toolUsed: boolean;
  /** The last call's arguments are whole. */
  readonly toolComplete: boolean;
}

/** `stop_reason` and `stop_sequence` of a message; null where there is none. */
export interface MessageStop {
  readonly reason: string | null;
  readonly sequence: string | null;
}

/**
 * Says in Anthropic's words how an answer ended. Running out of tokens wins; then a whole call; then a stop string,
 * which may have cut a call short; then a call of any kind.
 */
export function messageStop(end: ChatEnd): MessageStop {
  if (end.finishReason === "length") return { reason: "max_tokens", sequence: null };
  if (end.finishReason !== "stop" && end.finishReason !== "tool_calls") {
    return { reason: null, sequence: null };
  }
  if (end.toolComplete) return { reason: "tool_use", sequence: null };
  if (typeof end.stopReason === "string") return { reason: "stop_sequence", sequence: end.stopReason };
  const isCall = end.finishReason === "tool_calls" || end.toolUsed;
  return { reason: isCall ? "tool_use" : "end_turn", sequence: null };
}
