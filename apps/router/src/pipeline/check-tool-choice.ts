import { badRequestError, type ChatRequest } from "@vllm-router/api";
import type { ModelParsers } from "../models/model-parsers.ts";

/**
 * Refuses tool use that this server was not started for, with vLLM's words. Tools without a choice count as `auto`.
 * @throws ApiError 400
 */
export function checkToolChoice(toolChoice: ChatRequest["toolChoice"], parsers: ModelParsers): void {
  const { selection, autoToolChoice, harmony } = parsers;
  if (harmony || toolChoice === null || toolChoice === "none" || selection?.tool !== undefined) {
    return;
  }
  if (toolChoice === "auto" && autoToolChoice) {
    return;
  }
  if (toolChoice === "auto") {
    throw badRequestError(
      '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    );
  }
  const named = typeof toolChoice === "string" ? `"${toolChoice}"` : `function "${functionName(toolChoice)}"`;
  throw badRequestError(`tool_choice=${named} requires --tool-call-parser to be set`);
}

function functionName(choice: Exclude<ChatRequest["toolChoice"], string | null>): string {
  const description = choice.get("function");
  const name = description instanceof Map ? description.get("name") : undefined;
  return typeof name === "string" ? name : "";
}
