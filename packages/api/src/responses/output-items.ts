import { quoteJson } from "../json/string-text.ts";
import { writeJson } from "../json/write-json.ts";
import type { CalledTool } from "./responses-tools.ts";

/** `status` of an item. */
export type ItemStatus = "in_progress" | "completed" | "incomplete";

/** A part of a message: its text, and logprobs as JSON. */
export function outputTextPart(text: string, logprobs: string): string {
  return `{"annotations":[],"text":${quoteJson(text)},"type":"output_text","logprobs":${logprobs}}`;
}

/** A message with its parts, as JSON without brackets. */
export function messageItem(id: string, status: ItemStatus, parts: string): string {
  return `{"id":"${id}","content":[${parts}],"role":"assistant","status":"${status}","type":"message","phase":null}`;
}

/** A part of a reasoning item. */
export function reasoningPart(text: string): string {
  return `{"text":${quoteJson(text)},"type":"reasoning_text"}`;
}

/** A reasoning item with its content, as JSON. */
export function reasoningItem(id: string, status: ItemStatus | null, content: string): string {
  return (
    `{"id":"${id}","summary":[],"type":"reasoning","content":${content},"encrypted_content":null,` +
    `"status":${status === null ? "null" : `"${status}"`}}`
  );
}

/** A call of a function. */
export interface FunctionCallItem {
  readonly id: string;
  readonly callId: string;
  readonly tool: CalledTool;
  readonly arguments: string;
  readonly status: ItemStatus;
}

/** A `function_call` item. */
export function functionCallItem(item: FunctionCallItem): string {
  return (
    `{"arguments":${quoteJson(item.arguments)},"call_id":${quoteJson(item.callId)},` +
    `"name":${quoteJson(item.tool.name)},"type":"function_call","id":"${item.id}","async":null,"caller":null,` +
    `"namespace":${writeJson(item.tool.namespace)},"status":"${item.status}"}`
  );
}

/** A `custom_tool_call` item. */
export function customCallItem(item: {
  readonly id: string;
  readonly callId: string;
  readonly name: string;
  readonly input: string;
}): string {
  return (
    `{"call_id":${quoteJson(item.callId)},"input":${quoteJson(item.input)},"name":${quoteJson(item.name)},` +
    `"type":"custom_tool_call","id":"${item.id}","async":null,"caller":null,"namespace":null}`
  );
}

/** An `mcp_call` item. */
export function mcpCallItem(item: {
  readonly id: string;
  readonly name: string;
  readonly serverLabel: string;
  readonly arguments: string;
  readonly status: ItemStatus;
}): string {
  return (
    `{"id":"${item.id}","arguments":${quoteJson(item.arguments)},"name":${quoteJson(item.name)},` +
    `"server_label":${quoteJson(item.serverLabel)},"type":"mcp_call","approval_request_id":null,"error":null,` +
    `"output":null,"status":"${item.status}"}`
  );
}

/** A `code_interpreter_call` item; its code is null while it is not known. */
export function codeInterpreterItem(id: string, code: string | null): string {
  const status = code === null ? "in_progress" : "completed";
  return (
    `{"id":"${id}","code":${code === null ? "null" : quoteJson(code)},"container_id":"auto",` +
    `"outputs":${code === null ? "null" : "[]"},"status":"${status}","type":"code_interpreter_call"}`
  );
}

/** A `web_search_call` item. @param action JSON */
export function webSearchItem(id: string, action: string): string {
  return `{"id":"${id}","action":${action},"status":"completed","type":"web_search_call"}`;
}
