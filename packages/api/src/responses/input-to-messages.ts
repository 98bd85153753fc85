import { internalError, validationError } from "../api-error.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { isTruthy, pythonStr } from "../json/python-text.ts";
import { writeJson } from "../json/write-json.ts";
import { freshState, isIssues } from "../validation/validator.ts";
import type { HarmonyHistory } from "./harmony-conversation.ts";
import { flatToolName } from "./responses-checks.ts";
import { shape } from "./shapes.ts";

/** What came before the request's own input. */
export interface ResponsesHistory {
  /** Messages of the previous request. */
  readonly messages: readonly JsonObject[];
  /** Texts the model answered with. */
  readonly answers: readonly string[];
  /** The conversation itself, with gpt-oss. */
  readonly harmony?: HarmonyHistory | undefined;
}

/**
 * The chat messages vLLM makes of instructions, history and input.
 *
 * @throws {@link ApiError} for items it cannot use
 */
export function inputToMessages(
  input: JsonValue,
  around: { readonly instructions: string | null; readonly history: ResponsesHistory | undefined },
): readonly JsonObject[] {
  const messages: JsonObject[] = [];
  const { instructions, history } = around;
  if (instructions !== null && instructions !== "") {
    messages.push(message({ role: "system", content: instructions }));
  }
  if (history !== undefined) {
    // Instructions are those of the present request only.
    messages.push(...history.messages.filter((past) => past.get("role") !== "system"));
    messages.push(...history.answers.map((content) => message({ role: "assistant", content })));
  }
  if (typeof input === "string") return [...messages, message({ role: "user", content: input })];
  const own: JsonObject[] = [];
  for (const item of input as readonly JsonObject[]) addItem(own, item);
  return [...messages, ...own];
}

/** True when the last item is an answer that was cut off, which the model is to go on with. */
export function continuesFinalMessage(input: JsonValue): boolean {
  const last = isJsonArray(input) ? (input.at(-1) as JsonObject | undefined) : undefined;
  const type = last?.get("type") ?? "message";
  const status = last?.get("status");
  return (
    (type === "message" || type === "reasoning") && (status === "in_progress" || status === "incomplete")
  );
}

/** Appends a message, or fills the last one where it is an assistant's that lacks what the item brings. */
function addItem(messages: JsonObject[], item: JsonObject): void {
  const last = messages.at(-1);
  const previous = last?.get("role") === "assistant" ? last : undefined;
  const type = item.get("type");
  if (type === "function_call" && isOf(item, "ResponseFunctionToolCall")) {
    const namespace = item.get("namespace");
    const name = item.get("name") as string;
    addCall(messages, previous, {
      id: item.get("call_id") ?? null,
      name: isTruthy(namespace) ? flatToolName(namespace as string, name) : name,
      arguments: item.get("arguments") ?? null,
    });
  } else if (type === "custom_tool_call") {
    const text = item.get("input") ?? "";
    addCall(messages, previous, {
      id: item.get("call_id") ?? null,
      name: item.get("name") as string,
      arguments: writeJson(new Map([["input", text]]), { spaced: true }),
    });
  } else if (type === "reasoning" && isOf(item, "ResponseReasoningItem")) {
    fill(messages, previous, { key: "reasoning", value: reasoningOf(item) });
  } else if (type === "message" && item.get("role") === "assistant" && isOf(item, "ResponseOutputMessage")) {
    fill(messages, previous, { key: "content", value: outputText(item) });
  } else if (type === "function_call_output" || type === "custom_tool_call_output") {
    messages.push(
      message({
        role: "tool",
        content: item.get("output") ?? null,
        tool_call_id: item.get("call_id") ?? null,
      }),
    );
  } else {
    addMessage(messages, previous, item);
  }
}

function addMessage(messages: JsonObject[], previous: JsonObject | undefined, item: JsonObject): void {
  if (item.get("role") === "assistant") {
    const content = item.get("content");
    const first = content !== undefined && isJsonArray(content) ? content[0] : undefined;
    const text = typeof content === "string" ? content : (first as JsonObject | undefined)?.get("text");
    if (typeof text === "string") {
      fill(messages, previous, { key: "content", value: text });
      return;
    }
  }
  if (item.has("role")) {
    messages.push(new Map(item));
    return;
  }
  throw validationError(`Unsupported input item type: ${pythonStr(item.get("type") ?? null)}`, "input");
}

function addCall(
  messages: JsonObject[],
  previous: JsonObject | undefined,
  call: { readonly id: JsonValue; readonly name: string; readonly arguments: JsonValue },
): void {
  const converted = message({
    id: call.id,
    function: message({ name: call.name, arguments: call.arguments }),
    type: "function",
  });
  const calls = previous?.get("tool_calls");
  if (previous === undefined) {
    messages.push(message({ role: "assistant", tool_calls: [converted] }));
  } else {
    previous.set(
      "tool_calls",
      calls !== undefined && isJsonArray(calls) ? [...calls, converted] : [converted],
    );
  }
}

function fill(
  messages: JsonObject[],
  previous: JsonObject | undefined,
  part: { readonly key: "content" | "reasoning"; readonly value: string },
): void {
  if (previous !== undefined && (previous.get(part.key) ?? null) === null) {
    previous.set(part.key, part.value);
  } else {
    messages.push(message({ role: "assistant", [part.key]: part.value }));
  }
}

function reasoningOf(item: JsonObject): string {
  if (isTruthy(item.get("encrypted_content"))) {
    throw validationError("Encrypted content is not supported.", "input");
  }
  const parts = [item.get("content"), item.get("summary")].find(isTruthy);
  const first = parts !== undefined && parts !== null && isJsonArray(parts) ? parts[0] : undefined;
  return ((first as JsonObject | undefined)?.get("text") as string | undefined) ?? "";
}

function outputText(item: JsonObject): string {
  const [first] = item.get("content") as readonly JsonObject[];
  if (first === undefined) throw internalError("list index out of range");
  const text = first.get("text");
  if (typeof text === "string") return text;
  throw internalError("'ResponseOutputRefusal' object has no attribute 'text'");
}

function isOf(item: JsonObject, name: string): boolean {
  return !isIssues(shape(name).validate(item, freshState()));
}

function message(members: Readonly<Record<string, JsonValue>>): JsonObject {
  return new Map(Object.entries(members));
}
