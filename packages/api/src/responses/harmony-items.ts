import type { HarmonyMessage } from "@vllm-router/text";
import { badRequestError } from "../api-error.ts";
import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { pythonStr, pythonTypeName } from "../json/python-text.ts";
import { quoteJson } from "../json/string-text.ts";
import { functionOf, isFunctionRecipient, TRAINED_TOOLS } from "./harmony-recipient.ts";
import {
  functionCallItem,
  type ItemStatus,
  mcpCallItem,
  messageItem,
  outputTextPart,
  reasoningItem,
  reasoningPart,
  webSearchItem,
} from "./output-items.ts";

/** An item a stream has told of. */
export interface ToldItem {
  readonly type: "reasoning" | "message" | "function_call" | "mcp_call" | "code_interpreter_call";
  readonly id: string;
  readonly callId?: string;
}

/** An item of the output. */
export interface HarmonyItem {
  readonly text: string;
  /** Of a message that is shown, its text. */
  readonly answer?: string;
  /** Of a call, what its result names. */
  readonly call?: { readonly id: string; readonly name: string };
}

/** What making items depends on. */
export interface HarmonyItemOptions {
  readonly declared: ReadonlySet<string>;
  readonly randomId: () => string;
}

/**
 * The item a message of gpt-oss becomes; undefined for messages that are not shown.
 * @param how whether the message was cut off, and what a stream has told of it, whose ids are kept
 * @throws {@link ApiError} 400 as vLLM has it for a channel, or a tool of the browser, that there is not
 */
export function harmonyItem(
  message: HarmonyMessage,
  options: HarmonyItemOptions,
  how: { readonly incomplete: boolean; readonly told: readonly ToldItem[] },
): HarmonyItem | undefined {
  const { recipient, text, channel } = message;
  if (message.role !== "assistant") return undefined;
  const status: ItemStatus = how.incomplete ? "incomplete" : "completed";
  const told = (type: ToldItem["type"]): ToldItem | undefined => how.told.find((item) => item.type === type);
  const { randomId } = options;
  const reasoning = (): HarmonyItem => {
    const id = told("reasoning")?.id ?? `rs_${randomId()}`;
    return { text: reasoningItem(id, null, `[${reasoningPart(text)}]`) };
  };
  if (recipient === undefined) {
    if (channel === "analysis") return reasoning();
    if (channel !== "commentary" && channel !== "final") {
      throw badRequestError(`Unknown channel: ${channel ?? "None"}`);
    }
    const id = told("message")?.id ?? `msg_${randomId()}`;
    return { text: messageItem(id, status, outputTextPart(text, "null")), answer: text };
  }
  if (recipient.startsWith("browser.")) {
    if (how.incomplete) return undefined;
    return { text: webSearchItem(`ws_${randomId()}`, browserAction(recipient, text)) };
  }
  if (isFunctionRecipient(recipient, options.declared)) {
    const random = randomId();
    const known = told("function_call");
    const name = functionOf(recipient);
    const callId = known?.callId ?? `call_${random}`;
    const id = known?.id ?? `fc_${random}`;
    const item = functionCallItem({ id, callId, tool: { name, namespace: null }, arguments: text, status });
    return { text: item, call: { id: callId, name } };
  }
  if (TRAINED_TOOLS.has(recipient)) return reasoning();
  const parts = recipient.split(".");
  const id = told("mcp_call")?.id ?? `mcp_${randomId()}`;
  const names = { name: parts.at(-1) ?? "", serverLabel: parts[0] ?? "" };
  return { text: mcpCallItem({ id, ...names, arguments: text, status }) };
}

function browserAction(recipient: string, text: string): string {
  const asked = browserArguments(text);
  const shown = (key: string): string => pythonStr(asked.get(key) ?? (asked.has(key) ? null : ""));
  switch (recipient) {
    case "browser.search":
      return `{"type":"search","queries":null,"query":${quoteJson(`cursor:${shown("query")}`)},"sources":null}`;
    case "browser.open":
      return `{"type":"open_page","url":${quoteJson(`cursor:${shown("url")}`)}}`;
    case "browser.find":
      return `{"pattern":${quoteJson(shown("pattern"))},"type":"find_in_page","url":${quoteJson(`cursor:${shown("url")}`)}}`;
    default:
      throw badRequestError(`Unknown browser action: ${recipient}`);
  }
}

function browserArguments(text: string): JsonObject {
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch {
    const note = `Invalid JSON args, caught and retried: ${text}`;
    return new Map(["query", "url", "pattern"].map((key) => [key, note]));
  }
  if (value instanceof Map) return value as JsonObject;
  throw badRequestError(`'${pythonTypeName(value)}' object has no attribute 'get'`);
}
