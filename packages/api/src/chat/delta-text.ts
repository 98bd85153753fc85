import type { OutputDelta, ToolCallDelta } from "@vllm-router/text";
import { quoteJson } from "../json/string-text.ts";

/** A chunk's `delta` as JSON: keys that are undefined are absent. */
export function deltaText(delta: OutputDelta): string {
  const { toolCalls } = delta;
  const members = [member("content", delta.content), member("reasoning", delta.reasoning)];
  if (toolCalls !== undefined && toolCalls.length > 0) {
    members.push(`"tool_calls":[${toolCalls.map(toolCallText).join(",")}]`);
  }
  return `{${members.filter((text) => text !== "").join(",")}}`;
}

function toolCallText(call: ToolCallDelta): string {
  const { id } = call;
  const head = id === undefined ? "" : `"id":${id === null ? "null" : quoteJson(id)},`;
  const type = typeof id === "string" || call.type !== undefined ? '"type":"function",' : "";
  const members = [member("name", call.name), member("arguments", call.arguments)];
  return `{${head}${type}"index":${call.index},"function":{${members.filter((text) => text !== "").join(",")}}}`;
}

function member(name: string, value: string | null | undefined): string {
  return value === undefined ? "" : `"${name}":${value === null ? "null" : quoteJson(value)}`;
}
