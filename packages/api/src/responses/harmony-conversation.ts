import type { HarmonyPreamble, HarmonyTurn } from "@vllm-router/text";
import { validationError } from "../api-error.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { quoteJson } from "../json/string-text.ts";
import { writeJson } from "../json/write-json.ts";
import {
  flatText,
  harmonyInput,
  type HarmonyEntry,
  type HarmonyInputContext,
  type KnownCall,
} from "./harmony-input.ts";
import { harmonyPreviousInput } from "./harmony-previous-input.ts";
import { type ResponsesRequest, toolsOf } from "./responses-request.ts";
import { chatTools } from "./responses-tools.ts";

/** The conversation that a request goes on from. */
export interface HarmonyHistory {
  /** Its messages, with those the model said. */
  readonly entries: readonly HarmonyEntry[];
  /** Calls of the response. */
  readonly calls: readonly KnownCall[];
}

/** How Harmony is written. */
export interface HarmonyForms {
  /** The messages a conversation begins with. */
  readonly preamble: (start: HarmonyPreamble) => readonly HarmonyTurn[];
  readonly instructionsText: HarmonyInputContext["instructionsText"];
}

/** Tools the models were trained with. Without a tool server they are not told of them. */
const BUILT_IN = new Set(["code_interpreter", "web_search_preview", "container"]);

/**
 * The conversation with gpt-oss that vLLM makes of a request of the Responses API. What it goes on from keeps its own
 * instructions and tools.
 * @param around the day of the conversation, as `2026-11-27`, and how Harmony is written
 * @throws {@link ApiError} for tools and items vLLM does not take; TextError for an effort that gpt-oss does not know
 */
export function harmonyConversation(
  request: ResponsesRequest,
  around: {
    readonly history: HarmonyHistory | undefined;
    readonly startDate: string;
    readonly forms: HarmonyForms;
  },
): readonly HarmonyEntry[] {
  const { history, startDate, forms } = around;
  const { instructionsText } = forms;
  if (history !== undefined) {
    const { entries, calls } = history;
    return [...entries, ...ownInput(request, request.input, { calls, instructionsText })];
  }
  const { instructions, input } = takeInstructions(request);
  const tools = functionTools(request);
  return [
    ...preamble({ instructions, tools, reasoningEffort: effortOf(request), startDate }, forms),
    ...harmonyPreviousInput((request.previousInputMessages ?? []) as readonly JsonObject[]),
    ...ownInput(request, input, { calls: [], instructionsText }),
  ];
}

function ownInput(
  request: ResponsesRequest,
  input: JsonValue,
  context: HarmonyInputContext,
): readonly HarmonyEntry[] {
  // Previous messages may be all there is.
  if (input === "" && (request.previousInputMessages ?? []).length > 0) return [];
  return harmonyInput(input, context);
}

function takeInstructions(request: ResponsesRequest): {
  readonly instructions: string | undefined;
  readonly input: JsonValue;
} {
  const { instructions, input } = request;
  if (instructions !== null) return { instructions, input };
  const first = isJsonArray(input) ? (input[0] as JsonObject | undefined) : undefined;
  const role = first?.get("role");
  if (first === undefined || (role !== "system" && role !== "developer")) {
    return { instructions: undefined, input };
  }
  return { instructions: flatText(first.get("content")), input: (input as readonly JsonValue[]).slice(1) };
}

/** The functions the model is told of. */
function functionTools(request: ResponsesRequest): readonly JsonObject[] {
  const tools = toolsOf(request);
  // Servers of the Model Context Protocol count as nothing, until there is another tool beside them.
  const isCustom = tools.some((tool) => {
    const type = tool.get("type") as string;
    return type !== "mcp" && !BUILT_IN.has(type);
  });
  if (!isCustom) return [];
  const functions = tools.filter((tool) => !BUILT_IN.has(tool.get("type") as string));
  const other = functions.find((tool) => tool.get("type") !== "function");
  if (other !== undefined) {
    throw validationError(`tool type '${other.get("type") as string}' is not supported.`, "tools");
  }
  return chatTools(functions) ?? [];
}

function effortOf(request: ResponsesRequest): string | null {
  const { reasoning } = request;
  const effort = reasoning instanceof Map ? (reasoning as JsonObject).get("effort") : undefined;
  return typeof effort === "string" ? effort : null;
}

function preamble(
  start: HarmonyPreamble & { readonly tools: readonly JsonObject[] },
  forms: HarmonyForms,
): readonly HarmonyEntry[] {
  const { tools, startDate } = start;
  const instructions = start.instructions === "" ? undefined : start.instructions;
  const [system, developer] = forms.preamble({ ...start, instructions });
  if (system === undefined) return [];
  const effort = start.reasoningEffort ?? "medium";
  const entries: HarmonyEntry[] = [{ ...system, raw: () => systemText(effort, startDate) }];
  if (developer !== undefined) entries.push({ ...developer, raw: () => developerText(instructions, tools) });
  return entries;
}

function systemText(effort: string, startDate: string): string {
  return (
    '{"role":"system","name":null,"content":[{' +
    '"model_identity":"You are ChatGPT, a large language model trained by OpenAI.",' +
    `"reasoning_effort":"${effort.charAt(0).toUpperCase()}${effort.slice(1)}",` +
    `"conversation_start_date":${quoteJson(startDate)},"knowledge_cutoff":"2024-06",` +
    '"channel_config":{"valid_channels":["analysis","commentary","final"],"channel_required":true},' +
    '"type":"system_content"}]}'
  );
}

function developerText(instructions: string | undefined, tools: readonly JsonObject[]): string {
  const given =
    instructions === undefined || instructions === "" ? "" : `"instructions":${quoteJson(instructions)},`;
  const described = tools.map((tool) => {
    const definition = tool.get("function") as JsonObject;
    const shown = new Map<string, JsonValue>([
      ["name", definition.get("name") ?? null],
      ["description", definition.get("description") ?? ""],
    ]);
    const parameters = definition.get("parameters") ?? null;
    if (parameters !== null) shown.set("parameters", parameters);
    return writeJson(shown);
  });
  const listed =
    tools.length === 0 ? "" : `"tools":{"functions":{"name":"functions","tools":[${described.join(",")}]}},`;
  return `{"role":"developer","name":null,"content":[{${given}${listed}"type":"developer_content"}]}`;
}
