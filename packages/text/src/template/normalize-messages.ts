import { invalid, readPart, type PartOptions, type TemplateObject } from "./content-parts.ts";
import type { ContentFormat } from "./content-format.ts";
import { parseJson } from "./python/parse-json.ts";
import { toText } from "./python/text-form.ts";
import type { TemplateValue } from "./template-value.ts";

/** What decides how messages are prepared for a template. */
export interface NormalizeOptions {
  /** `contentFormat` of the template, or what the server's settings say instead. */
  readonly contentFormat: ContentFormat;
  /** `mentionsDeveloperRole` of the template. */
  readonly keepsDeveloperRole: boolean;
  /** The model as the server knows it, for the refusal of media parts (default `This model`). */
  readonly modelName?: string;
  /** Tool calls keep the order of their keys, as where no request model of vLLM has read them (default false). */
  readonly keepsCallOrder?: boolean;
}

type MutableObject = Map<string, TemplateValue>;

/**
 * Prepares the messages of a chat request for its template as vLLM does: content parts become text or plain
 * objects, tool arguments are parsed, reasoning gets both of its names, and messages of a role the template
 * does not know are merged into the system message. Pure; throws `message_invalid` in vLLM's words.
 */
export function normalizeMessages(
  messages: readonly TemplateValue[],
  options: NormalizeOptions,
): readonly TemplateValue[] {
  const conversation = messages.map((message) => normalizeMessage(message, options));
  const hasDeveloper = conversation.some((message) => message.get("role") === "developer");
  return hasDeveloper && !options.keepsDeveloperRole ? mergeSystemMessages(conversation) : conversation;
}

function normalizeMessage(value: TemplateValue, options: NormalizeOptions): TemplateObject {
  if (!(value instanceof Map)) throw invalid("Each message must be an object.", "messages");
  const message = value as TemplateObject;
  if (options.contentFormat === "string" && isPlain(message)) return message;
  const role = message.get("role") ?? null;
  const partOptions: PartOptions = {
    keepsObjects: options.contentFormat === "openai",
    modelName: options.modelName ?? "This model",
  };
  const result: MutableObject = new Map<string, TemplateValue>([
    ["role", role],
    ["content", readContent(role, message.get("content") ?? null, partOptions)],
  ]);
  if (role === "assistant") addAssistantFields(result, message, options.keepsCallOrder ?? false);
  else if (role === "tool") addToolFields(result, message);
  for (const key of ["name", "task"]) {
    const text = message.get(key);
    if (typeof text === "string") result.set(key, text);
  }
  if (role === "developer") result.set("tools", developerTools(message.get("tools") ?? null));
  return result;
}

/** A message of nothing but a role and a text, in this order, is already what templates expect. */
function isPlain(message: TemplateObject): boolean {
  if (message.size !== 2 || typeof message.get("content") !== "string") return false;
  const role = message.get("role");
  const [first] = message.keys();
  return first === "role" && (role === "user" || role === "assistant");
}

function readContent(role: TemplateValue, content: TemplateValue, options: PartOptions): TemplateValue {
  let parts: readonly TemplateValue[];
  if (content === null) parts = [];
  else if (typeof content === "string") parts = [textPart(content)];
  else if (Array.isArray(content)) parts = content as readonly TemplateValue[];
  else throw invalid("Message content must be a string or a list of parts.", "messages");
  if (role === "system") parts = withoutBillingHeader(parts);
  const read: TemplateValue[] = [];
  for (const part of parts) {
    const value = readPart(part, options);
    if (value !== undefined) read.push(value);
  }
  return options.keepsObjects ? read : read.map(toText).join("\n");
}

function textPart(text: string): TemplateObject {
  return new Map([
    ["type", "text"],
    ["text", text],
  ]);
}

const BILLING_HEADER = "x-anthropic-billing-header";

/** Drops the attribution line of one known client: it changes with every request and would defeat the prefix cache. */
function withoutBillingHeader(parts: readonly TemplateValue[]): readonly TemplateValue[] {
  return parts.flatMap((part) => {
    const object = part instanceof Map && part.get("type") === "text" ? (part as TemplateObject) : undefined;
    const text = typeof part === "string" ? part : object?.get("text");
    if (typeof text !== "string" || !text.startsWith(BILLING_HEADER)) return [part];
    const lineEnd = text.indexOf("\n");
    const rest = lineEnd === -1 ? "" : text.slice(lineEnd + 1);
    if (rest === "") return [];
    return [object === undefined ? rest : new Map([...object, ["text", rest]])];
  });
}

function addAssistantFields(result: MutableObject, message: TemplateObject, keepsCallOrder: boolean): void {
  const toolCalls = message.get("tool_calls") ?? null;
  // An empty list is dropped, so that the template takes its ordinary path.
  if (Array.isArray(toolCalls) && toolCalls.length > 0) {
    result.set(
      "tool_calls",
      (toolCalls as readonly TemplateValue[]).map((call) => normalizeToolCall(call, keepsCallOrder)),
    );
  }
  // `reasoning_content` is the older name of the same field.
  const reasoning = message.get("reasoning") ?? message.get("reasoning_content") ?? null;
  if (reasoning === null) return;
  result.set("reasoning", reasoning);
  result.set("reasoning_content", reasoning);
}

function addToolFields(result: MutableObject, message: TemplateObject): void {
  const id = message.get("tool_call_id");
  if (id !== undefined) result.set("tool_call_id", id);
  const content = result.get("content");
  if (!Array.isArray(content)) return;
  const parts = content as readonly TemplateObject[];
  if (parts.some((part) => part.get("type") !== "text")) return;
  result.set("content", parts.map((part) => toText(part.get("text") ?? "")).join("\n"));
}

/** Tools that a developer message brings, with their keys in the order of vLLM's request model. */
function developerTools(tools: TemplateValue): TemplateValue {
  if (!Array.isArray(tools)) return tools;
  return (tools as readonly TemplateValue[]).map((tool) => {
    if (!(tool instanceof Map)) return tool;
    const result = ordered(tool as TemplateObject, ["function", "type"]);
    const definition = result.get("function");
    if (definition instanceof Map) {
      result.set(
        "function",
        ordered(definition as TemplateObject, ["name", "description", "parameters", "strict"]),
      );
    }
    return result;
  });
}

/** Keys of a tool call and of its function in the order in which vLLM's request model gives them. */
const TOOL_CALL_KEYS = ["id", "function", "type"] as const;
const FUNCTION_KEYS = ["arguments", "name"] as const;

function normalizeToolCall(value: TemplateValue, keepsOrder: boolean): TemplateValue {
  if (!(value instanceof Map)) throw invalid("assistant tool_calls entries must be objects.", "tool_calls");
  const call = value as TemplateObject;
  const definition = call.get("function");
  if ((call.has("type") && call.get("type") !== "function") || !(definition instanceof Map)) {
    throw invalid("chat completions only support assistant tool_calls of type 'function'.", "tool_calls");
  }
  const described = ordered(definition as TemplateObject, keepsOrder ? [] : FUNCTION_KEYS);
  described.set("arguments", readArguments(described.get("arguments") ?? null));
  const result = ordered(call, keepsOrder ? [] : TOOL_CALL_KEYS);
  result.set("function", described);
  return result;
}

function ordered(object: TemplateObject, first: readonly string[]): MutableObject {
  const result: MutableObject = new Map();
  for (const key of first) {
    const value = object.get(key);
    if (value !== undefined) result.set(key, value);
  }
  for (const [key, value] of object) if (!result.has(key)) result.set(key, value);
  return result;
}

/** Arguments as an object; what is not one becomes empty, so that one bad call does not end a conversation. */
function readArguments(value: TemplateValue): TemplateValue {
  const parsed = typeof value === "string" ? parseJson(value) : value;
  return parsed instanceof Map ? parsed : new Map();
}

/** Developer messages become system messages, and all system messages one, at the beginning. */
function mergeSystemMessages(conversation: readonly TemplateObject[]): readonly TemplateObject[] {
  const converted = conversation.map((message) => {
    if (message.get("role") !== "developer") return message;
    const result: MutableObject = new Map([...message, ["role", "system"]]);
    result.delete("tools");
    return result;
  });
  const isSystem = (message: TemplateObject): boolean => message.get("role") === "system";
  const needsMerge = converted.some((message, index) => index > 0 && isSystem(message));
  if (!needsMerge) return converted;
  const texts = converted.filter(isSystem).map((message) => plainContent(message.get("content") ?? null));
  const merged: MutableObject = new Map<string, TemplateValue>([
    ["role", "system"],
    ["content", texts.filter((text) => text !== "").join("\n\n")],
  ]);
  return [merged, ...converted.filter((message) => !isSystem(message))];
}

function plainContent(content: TemplateValue): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const texts: string[] = [];
  for (const part of content as readonly TemplateValue[]) {
    const text = part instanceof Map ? (part as TemplateObject).get("text") : part;
    if (typeof text === "string") texts.push(text);
  }
  return texts.join("\n");
}
