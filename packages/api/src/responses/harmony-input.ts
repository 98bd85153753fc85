import type { HarmonyTurn } from "@vllm-router/text";
import { ApiError } from "../api-error.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { isTruthy, pythonStr } from "../json/python-text.ts";
import { quoteJson } from "../json/string-text.ts";
import { issue, type Issues } from "../validation/issue.ts";
import { validationErrorText } from "../validation/issue-text.ts";
import { freshState, isIssues } from "../validation/validator.ts";
import { shape } from "./shapes.ts";

/** A message of a conversation with gpt-oss. */
export interface HarmonyEntry extends HarmonyTurn {
  /** The message as `input_messages` shows it, where that is not made of the turn's parts; JSON. */
  readonly raw?: () => string;
}

/** A call that a result may name. */
export interface KnownCall {
  readonly id: string;
  readonly name: string;
}

/** What putting input into Harmony depends on. */
export interface HarmonyInputContext {
  readonly calls: readonly KnownCall[];
  /** Text of a message that gives instructions. */
  readonly instructionsText: (instructions: string) => string;
}

const NOWHERE = { channel: undefined, recipient: undefined, contentType: undefined };

/** vLLM's refusal of input it cannot put into Harmony. */
function inputError(message: string): ApiError {
  return new ApiError({ status: 400, type: "invalid_request_error", message, param: "input" });
}

/**
 * Input of the Responses API as messages of Harmony.
 * @param context calls of the previous response, which results may answer, and the text of a message with instructions
 * @throws {@link ApiError} for items it cannot use
 */
export function harmonyInput(input: JsonValue, context: HarmonyInputContext): readonly HarmonyEntry[] {
  if (typeof input === "string") return [{ ...NOWHERE, author: "user", parts: [input] }];
  const known = [...context.calls];
  const entries: HarmonyEntry[] = [];
  for (const item of input as readonly JsonObject[]) {
    const entry = entryOf(item, { ...context, calls: known });
    if (entry !== undefined) entries.push(entry);
    if (item.get("type") === "function_call" && isOf(item, "ResponseFunctionToolCall")) {
      known.push({ id: item.get("call_id") as string, name: item.get("name") as string });
    }
  }
  return entries;
}

/** A message with instructions. */
function developerEntry(instructions: string, context: HarmonyInputContext): HarmonyEntry {
  const raw = (): string =>
    `{"role":"developer","name":null,"content":[{"instructions":${quoteJson(instructions)},"type":"developer_content"}]}`;
  return { ...NOWHERE, author: "developer", parts: [context.instructionsText(instructions)], raw };
}

/** All text of a message's content, undefined where there is none. */
export function flatText(content: JsonValue | undefined): string | undefined {
  if (typeof content === "string") return content;
  if (content === undefined || content === null || !isJsonArray(content)) return undefined;
  const texts = content
    .map((part) => (typeof part === "string" ? part : textOf(part)))
    .filter((text) => text !== undefined);
  return texts.length === 0 ? undefined : texts.join("");
}

/** Texts of a message's parts; those without one are empty. */
export function partTexts(content: JsonValue | undefined): readonly string[] {
  if (typeof content === "string") return [content];
  return content !== undefined && content !== null && isJsonArray(content)
    ? content.map((part) => textOf(part) ?? "")
    : [""];
}

function textOf(part: JsonValue): string | undefined {
  const text = part instanceof Map ? (part as JsonObject).get("text") : undefined;
  return typeof text === "string" ? text : undefined;
}

function entryOf(item: JsonObject, context: HarmonyInputContext): HarmonyEntry | undefined {
  const type = item.get("type") ?? "message";
  switch (type) {
    case "message":
      return messageEntry(item, context);
    case "function_call_output":
      return outputEntry(item, context.calls);
    case "reasoning":
      return reasoningEntry(item);
    case "function_call":
      return {
        author: "assistant",
        channel: "commentary",
        recipient: `functions.${item.get("name") as string}`,
        contentType: "json",
        parts: [item.get("arguments") as string],
      };
    default:
      throw inputError(`Unknown input type: ${pythonStr(type)} (parameter=input)`);
  }
}

function messageEntry(item: JsonObject, context: HarmonyInputContext): HarmonyEntry | undefined {
  const role = item.get("role") as string;
  const content = item.get("content");
  if (role === "system" || role === "developer") {
    const text = flatText(content) ?? "";
    return text === "" ? undefined : developerEntry(text, context);
  }
  const channel = role === "assistant" ? "final" : undefined;
  return { ...NOWHERE, channel, author: role, parts: partTexts(content) };
}

function outputEntry(item: JsonObject, known: readonly KnownCall[]): HarmonyEntry {
  const id = item.get("call_id") as string;
  const call = known.findLast((candidate) => candidate.id === id);
  if (call === undefined) throw inputError(`No call message found for ${id} (parameter=input)`);
  const output = item.get("output") ?? null;
  // Parts of a result are not what Harmony's library takes for a text.
  if (typeof output !== "string") throw inputError(validationErrorText("Message", contentIssue(output)));
  return toolEntry(call.name, output);
}

function contentIssue(output: JsonValue): Issues {
  const message = "Input should be a valid dictionary or instance of Content";
  return issue("model_type", message, output).under("0").under("content");
}

/** The result of a call. */
export function toolEntry(name: string, output: string): HarmonyEntry {
  return {
    author: name === "" ? "" : `functions.${name}`,
    channel: "commentary",
    recipient: "assistant",
    contentType: undefined,
    parts: [output],
  };
}

function reasoningEntry(item: JsonObject): HarmonyEntry | undefined {
  const content = item.get("content");
  if (!isTruthy(content)) return undefined;
  const text = partTexts(content).join("\n");
  return { ...NOWHERE, author: "assistant", channel: "analysis", parts: [text] };
}

function isOf(item: JsonObject, name: string): boolean {
  return !isIssues(shape(name).validate(item, freshState()));
}
