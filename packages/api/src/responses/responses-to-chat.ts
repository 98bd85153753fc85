import { validationError } from "../api-error.ts";
import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { type ChatRequest, convertedChatRequest } from "../request/chat-request.ts";
import { continuesFinalMessage, inputToMessages, type ResponsesHistory } from "./input-to-messages.ts";
import { type ResponsesRequest, toolsOf } from "./responses-request.ts";
import { chatTools } from "./responses-tools.ts";

/**
 * The chat request that renders and samples as vLLM does for a request of the Responses API.
 *
 * @throws {@link ApiError} with vLLM's text for input it cannot use
 */
export function responsesToChat(
  request: ResponsesRequest,
  history: ResponsesHistory | undefined,
): ChatRequest {
  const { input, instructions } = request;
  return { ...settingsOf(request), messages: inputToMessages(input, { instructions, history }) };
}

/** The chat request without its messages, which gpt-oss gets in another way. */
export function responsesToHarmonyChat(request: ResponsesRequest): ChatRequest {
  return settingsOf(request);
}

function settingsOf(request: ResponsesRequest): ChatRequest {
  const isContinued = continuesFinalMessage(request.input);
  return {
    ...samplingOf(request),
    tools: chatTools(toolsOf(request)),
    toolChoice: toolChoiceOf(request.toolChoice),
    parallelToolCalls: request.parallelToolCalls,
    addGenerationPrompt: !isContinued,
    continueFinalMessage: isContinued,
    reasoningEffort: (member(request.reasoning, "effort") ?? null) as ChatRequest["reasoningEffort"],
    includeReasoning: request.includeReasoning,
    chatTemplateKwargs: request.chatTemplateKwargs,
  };
}

/** The chat request's part that says how to sample: all that engines have to carry. */
export function samplingOf(request: ResponsesRequest): ChatRequest {
  const showsLogprobs = request.include?.includes("message.output_text.logprobs") ?? false;
  return {
    ...convertedChatRequest(new Map<string, JsonValue>([["messages", []]])),
    model: request.model,
    stream: request.stream,
    maxCompletionTokens: request.maxOutputTokens,
    truncatePromptTokens: request.truncation === "disabled" ? null : -1,
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    minP: request.minP,
    presencePenalty: request.presencePenalty,
    frequencyPenalty: request.frequencyPenalty,
    repetitionPenalty: request.repetitionPenalty,
    seed: request.seed,
    stop: request.stop,
    stopTokenIds: request.stopTokenIds,
    ignoreEos: request.ignoreEos,
    logitBias: request.logitBias,
    logprobs: showsLogprobs,
    topLogprobs: request.topLogprobs,
    skipSpecialTokens: request.skipSpecialTokens,
    includeStopStrInOutput: request.includeStopStrInOutput,
    watermarking: request.watermarking,
    priority: request.priority,
    cacheSalt: request.cacheSalt,
    sessionId: request.sessionId,
    mediaIoKwargs: request.mediaIoKwargs,
    mmProcessorKwargs: request.mmProcessorKwargs,
    user: request.user,
    vllmXargs: request.vllmXargs,
    kvTransferParams: request.kvTransferParams,
    ecTransferParams: request.ecTransferParams,
    ...constraintOf(request),
  };
}

function constraintOf(request: ResponsesRequest): Pick<ChatRequest, "structuredOutputs" | "responseFormat"> {
  const format = member(request.text, "format") ?? null;
  if (format === null) return { structuredOutputs: request.structuredOutputs, responseFormat: null };
  if (request.structuredOutputs !== null) {
    throw validationError("Cannot specify both structured_outputs and text.format", "structured_outputs");
  }
  const fields = format as JsonObject;
  const responseFormat: JsonObject = new Map<string, JsonValue>([["type", fields.get("type") ?? null]]);
  if (fields.get("type") === "json_schema") {
    const schema: JsonObject = new Map(
      ["name", "description", "schema", "strict"].map((key) => [key, fields.get(key) ?? null]),
    );
    responseFormat.set("json_schema", schema);
  }
  return { structuredOutputs: null, responseFormat };
}

function toolChoiceOf(choice: JsonValue): ChatRequest["toolChoice"] {
  if (!(choice instanceof Map)) return choice as ChatRequest["toolChoice"];
  const named = choice as JsonObject;
  const type = named.get("type");
  if (type !== "function" && type !== "custom") return "auto";
  return new Map<string, JsonValue>([
    ["function", new Map([["name", named.get("name") ?? null]])],
    ["type", "function"],
  ]);
}

function member(value: JsonValue, name: string): JsonValue | undefined {
  return value instanceof Map ? (value as JsonObject).get(name) : undefined;
}
