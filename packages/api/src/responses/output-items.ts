import { quoteJson } from "../json/string-text.ts";
import { writeJson } from "../json/write-json.ts";
import type { CalledTool } from "./responses-tools.ts";

/** A part of a message: its text, and logprobs as JSON. */
export function outputTextPart(text: string, logprobs: string): string {
  return `{"annotations":[],"text":${quoteJson(text)},"type":"output_text","logprobs":${logprobs}}`;
}

/** A message with its parts, as JSON without brackets. */
export function messageItem(id: string, status: "in_progress" | "completed", parts: string): string {
  return `{"id":"${id}","content":[${parts}],"role":"assistant","status":"${status}","type":"message","phase":null}`;
}

/** A part of a reasoning item. */
export function reasoningPart(text: string): string {
  return `{"text":${quoteJson(text)},"type":"reasoning_text"}`;
}

/** A reasoning item with its content, as JSON. */
export function reasoningItem(
  id: string,
  status: "in_progress" | "completed" | null,
  content: string,
): string {
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
  readonly status: "in_progress" | "completed";
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
