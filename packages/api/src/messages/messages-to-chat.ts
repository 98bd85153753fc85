import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { type ChatRequest, convertedChatRequest } from "../request/chat-request.ts";
import { convertMessages, systemText } from "./convert-blocks.ts";
import { convertTool, convertToolChoice, toolsInForce } from "./convert-tools.ts";
import type { CountTokensRequest, MessagesRequest } from "./messages-request.ts";

/** What of the model a conversion depends on. */
export interface MessagesConversion {
  /** The model's template refuses a system message that is not the first: they are merged into it. */
  readonly mergeInlineSystem: boolean;
  /** Reasoning effort that stands for thinking switched off. */
  readonly disabledThinkingEffort: NonNullable<ChatRequest["reasoningEffort"]>;
  /** Unix seconds, for ids of calls that came without one. */
  readonly nowSeconds: number;
}

/**
 * The chat request that vLLM makes of a request of the Messages API.
 *
 * @throws {@link ApiError} with vLLM's status and text
 */
export function messagesToChat(
  request: MessagesRequest | CountTokensRequest,
  conversion: MessagesConversion,
): ChatRequest {
  const messages = request.messages as readonly JsonObject[];
  const base = convertedChatRequest(
    new Map<string, JsonValue>([
      ["messages", [...systemMessages(request, conversion), ...convertMessages(messages, conversion)]],
      ...baseFields(request),
    ]),
  );
  const { toolChoice, parallelToolCalls } = convertToolChoice(request.toolChoice as JsonObject | null);
  const tools = toolsInForce(messages, request.tools as readonly JsonObject[] | null);
  return {
    ...base,
    ...streaming(request),
    ...outputSettings(request, conversion),
    toolChoice: tools === null ? toolChoice : (toolChoice ?? "auto"),
    parallelToolCalls,
    tools: tools === null ? null : tools.map(convertTool),
  };
}

function systemMessages(
  request: MessagesRequest | CountTokensRequest,
  conversion: MessagesConversion,
): readonly JsonObject[] {
  const { system } = request;
  const parts = [typeof system === "string" ? system : systemText(system ?? undefined)];
  if (conversion.mergeInlineSystem) {
    for (const message of request.messages as readonly JsonObject[]) {
      if (message.get("role") === "system") parts.push(systemText(message.get("content")));
    }
  }
  const content = parts.join("");
  if (content === "") return [];
  return [
    new Map([
      ["role", "system"],
      ["content", content],
    ]),
  ];
}

/** Members of the chat request that are taken over as they are. */
function baseFields(
  request: MessagesRequest | CountTokensRequest,
): readonly (readonly [string, JsonValue])[] {
  const shared: readonly (readonly [string, JsonValue])[] = [
    ["model", request.model],
    ["chat_template_kwargs", request.chatTemplateKwargs as JsonObject | null],
  ];
  if (!isWhole(request)) return shared;
  return [
    ...shared,
    ["max_tokens", request.maxTokens],
    ["max_completion_tokens", request.maxTokens],
    ["stop", request.stopSequences],
    ["top_k", request.topK],
    ["watermarking", request.watermarking],
    ["cache_salt", request.cacheSalt],
    ["kv_transfer_params", request.kvTransferParams as JsonObject | null],
    ["ec_transfer_params", request.ecTransferParams as JsonObject | null],
    ["vllm_xargs", request.vllmXargs as JsonObject | null],
  ];
}

function streaming(request: MessagesRequest | CountTokensRequest): Partial<ChatRequest> {
  if (!isWhole(request)) return {};
  const { temperature, topP } = request;
  if (request.stream !== true) return { temperature, topP };
  const streamOptions = new Map([
    ["include_usage", true],
    ["continuous_usage_stats", true],
  ]);
  return { temperature, topP, stream: true, streamOptions };
}

function outputSettings(
  request: MessagesRequest | CountTokensRequest,
  conversion: MessagesConversion,
): Partial<ChatRequest> {
  const { outputConfig, thinking } = request;
  const settings: { -readonly [K in keyof ChatRequest]?: ChatRequest[K] } = {};
  const format = outputConfig?.get("format");
  const schema = format instanceof Map ? (format as JsonObject).get("schema") : undefined;
  if (schema instanceof Map && schema.size > 0) {
    settings.responseFormat = new Map<string, JsonValue>([
      ["type", "json_schema"],
      [
        "json_schema",
        new Map<string, JsonValue>([
          ["name", "json_schema"],
          ["description", null],
          ["schema", schema as JsonObject],
          ["strict", null],
        ]),
      ],
    ]);
  }
  const effort = outputConfig?.get("effort") ?? null;
  if (effort !== null) settings.reasoningEffort = effort as ChatRequest["reasoningEffort"];
  const kind = thinking?.get("type");
  if (kind === "disabled") settings.reasoningEffort = conversion.disabledThinkingEffort;
  if (kind === "enabled") {
    settings.thinkingTokenBudget = thinking?.get("budget_tokens") as ChatRequest["thinkingTokenBudget"];
  }
  return settings;
}

function isWhole(request: MessagesRequest | CountTokensRequest): request is MessagesRequest {
  return "maxTokens" in request;
}
