import type { ParsedToolCall } from "@vllm-router/text";
import type { ChatRequest } from "../request/chat-request.ts";

/** A finished chat choice, taken apart as vLLM's chat layer does before it is told in some API's shape. */
export interface ToolCallResult {
  readonly reasoning: string | null;
  readonly content: string | null;
  /** Null or empty where nothing was called. */
  readonly toolCalls: readonly ParsedToolCall[] | null;
}

/** True where the request names the function to call. */
export function isToolNamed(request: ChatRequest): boolean {
  return typeof request.toolChoice === "object" && request.toolChoice !== null;
}

/** True where the answer has to be a call. */
export function isToolForced(request: ChatRequest): boolean {
  return request.toolChoice === "required" || isToolNamed(request);
}

/** `finish_reason` of a collected chat choice: a named call keeps the engine's own. */
export function finishReasonOf(outcome: ToolCallResult, request: ChatRequest, engineReason: string): string {
  const isCalled =
    request.toolChoice === "required"
      ? engineReason === "stop"
      : !isToolNamed(request) && (outcome.toolCalls ?? []).length > 0;
  return isCalled ? "tool_calls" : engineReason;
}
