import { randomInt } from "node:crypto";
import type { ChatRequest, JsonObject } from "@vllm-router/api";
import {
  effectiveTemplateKwargs,
  type DeclaredTool,
  type OutputParserContext,
  type TemplateValue,
  type ToolChoice,
} from "@vllm-router/text";
import { randomId } from "./random-id.ts";
import type { RequestEnvelope } from "./request-envelope.ts";

const LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const RANDOM = {
  hexadecimal: randomId,
  alphanumeric: (length: number): string =>
    Array.from({ length }, () => LETTERS_AND_DIGITS[randomInt(LETTERS_AND_DIGITS.length)]).join(""),
};

/** What parsing the answers to one conversation depends on. */
export function parserContext(
  request: ChatRequest,
  promptTokenIds: Int32Array,
  envelope: Pick<RequestEnvelope, "model" | "settings">,
): OutputParserContext {
  const { model, settings } = envelope;
  const requestKwargs = request.chatTemplateKwargs ?? new Map<string, TemplateValue>();
  return {
    tokenizer: model.tokenizer,
    tools: declaredTools(request),
    toolChoice: toolChoiceOf(request),
    promptTokenIds,
    templateKwargs: effectiveTemplateKwargs({
      documents: request.documents,
      addGenerationPrompt: request.addGenerationPrompt,
      continueFinalMessage: request.continueFinalMessage,
      reasoningEffort: request.reasoningEffort,
      kwargs: requestKwargs,
      defaultKwargs: settings.defaultChatTemplateKwargs,
    }),
    requestKwargs,
    includeReasoning: request.includeReasoning,
    autoToolChoice: model.parsers.autoToolChoice,
    toolCallIds: model.parsers.toolCallIds,
    historyToolCalls: historyToolCalls(request),
    random: RANDOM,
  };
}

/** A request's tools as parsers and structural tags see them. */
export function declaredTools(request: ChatRequest): readonly DeclaredTool[] {
  return (request.tools ?? []).map((tool) => {
    const definition = tool.get("function") as JsonObject;
    const strict = definition.get("strict");
    return {
      name: definition.get("name") as string,
      parameters: definition.get("parameters") ?? undefined,
      strict: typeof strict === "boolean" ? strict : undefined,
    };
  });
}

/** A request's choice; none where it says nothing, since the validation has put `auto` where there are tools. */
export function toolChoiceOf(request: ChatRequest): ToolChoice {
  const { toolChoice } = request;
  if (toolChoice === null) {
    return request.tools === null ? "none" : "auto";
  }
  if (typeof toolChoice === "string") {
    return toolChoice;
  }
  const named = toolChoice.get("function");
  const name = named instanceof Map ? (named as JsonObject).get("name") : undefined;
  return { function: typeof name === "string" ? name : "" };
}

function historyToolCalls(request: ChatRequest): number {
  let count = 0;
  for (const message of request.messages) {
    if (!(message instanceof Map) || message.get("role") !== "assistant") {
      continue;
    }
    const calls = (message as JsonObject).get("tool_calls") ?? null;
    count += Array.isArray(calls) ? calls.length : calls === null ? 0 : 1;
  }
  return count;
}
