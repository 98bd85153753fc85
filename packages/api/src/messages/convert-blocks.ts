import { badRequestError, internalError } from "../api-error.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { isTruthy, pythonStr, pythonTypeName } from "../json/python-text.ts";
import { writeJson } from "../json/write-json.ts";
import { blocksOf } from "./content-block.ts";

/** Header of a client that changes with every request and would defeat prefix caching; left out, as vLLM does. */
const BILLING_HEADER = "x-anthropic-billing-header";

/** Converts messages into chat messages. System messages are left out where they were merged into the first one. */
export function convertMessages(
  messages: readonly JsonObject[],
  options: { readonly mergeInlineSystem: boolean; readonly nowSeconds: number },
): JsonObject[] {
  const result: JsonObject[] = [];
  for (const message of messages) {
    const role = message.get("role") as string;
    const content = message.get("content");
    if (role === "system") {
      const text = systemText(content);
      if (!options.mergeInlineSystem && text !== "") result.push(object({ role: "system", content: text }));
    } else if (typeof content === "string") {
      result.push(object({ role, content }));
    } else {
      const converted = convertContent(blocksOf(content), { role, result, nowSeconds: options.nowSeconds });
      if (role !== "user" || converted.has("content")) result.push(converted);
    }
  }
  return result;
}

/** Text of a system prompt or message, without billing headers. */
export function systemText(content: JsonValue | undefined): string {
  if (typeof content === "string") return content.startsWith(BILLING_HEADER) ? "" : content;
  return systemTexts(content).join("");
}

/** Texts of the blocks of a system prompt, without billing headers. */
function systemTexts(content: JsonValue | undefined): readonly string[] {
  return blocksOf(content)
    .filter((block) => block.get("type") === "text")
    .map((block) => block.get("text"))
    .filter((text): text is string => typeof text === "string" && !text.startsWith(BILLING_HEADER));
}

interface Surroundings {
  readonly role: string;
  /** Where messages go that stand before the converted one: results of tools. */
  readonly result: JsonObject[];
  readonly nowSeconds: number;
}

function convertContent(blocks: readonly JsonObject[], around: Surroundings): JsonObject {
  const message = object({ role: around.role });
  const parts: JsonObject[] = [];
  const calls: JsonObject[] = [];
  let reasoning: string | undefined;
  for (const block of blocks) {
    const text = block.get("text") ?? null;
    const source = block.get("source") ?? null;
    const thinking = block.get("thinking") ?? null;
    switch (block.get("type")) {
      case "text":
        if (isTruthy(text)) parts.push(object({ type: "text", text }));
        break;
      case "image":
        if (isTruthy(source)) parts.push(imagePart(source as JsonObject));
        break;
      case "thinking":
        if (thinking !== null) reasoning = (reasoning ?? "") + (thinking as string);
        break;
      case "tool_use":
        calls.push(convertToolUse(block, around.nowSeconds));
        break;
      case "tool_result":
        if (around.role === "user") convertToolResult(block, around.result);
        else parts.push(object({ type: "text", text: `Tool result: ${resultText(block)}` }));
        break;
      default:
    }
  }
  if (reasoning !== undefined) message.set("reasoning", reasoning);
  if (calls.length > 0) message.set("tool_calls", calls);
  const [only] = parts;
  if (parts.length === 1 && only?.get("type") === "text") message.set("content", only.get("text") as string);
  else if (parts.length > 0) message.set("content", parts);
  return message;
}

function resultText(block: JsonObject): string {
  const content = block.get("content") ?? null;
  return isTruthy(content) ? pythonStr(content) : "";
}

function convertToolUse(block: JsonObject, nowSeconds: number): JsonObject {
  const input = block.get("input") ?? null;
  const id = block.get("id") ?? null;
  return object({
    id: isTruthy(id) ? id : `call_${nowSeconds}`,
    type: "function",
    function: object({
      name: block.get("name") ?? "",
      arguments: writeJson(input ?? new Map(), { spaced: true, ascii: true }),
    }),
  });
}

/** A result given by the user: the tool's message, its images as a user's, its references as the tool's again. */
function convertToolResult(block: JsonObject, result: JsonObject[]): void {
  const content = block.get("content") ?? null;
  const id = block.get("tool_use_id") ?? "";
  const texts: JsonValue[] = [];
  const images: JsonObject[] = [];
  const references: JsonObject[] = [];
  for (const item of isJsonArray(content) ? (content as readonly JsonObject[]) : []) {
    const type = item.get("type");
    if (type === "text") texts.push(item.get("text") ?? (item.has("text") ? null : ""));
    else if (type === "image") {
      const part = imagePart(item.get("source") ?? new Map());
      if (isTruthy((part.get("image_url") as JsonObject).get("url"))) images.push(part);
    } else if (type === "tool_reference") {
      const name = [item.get("tool_name"), item.get("name")].find(isTruthy);
      if (name !== undefined) references.push(object({ type: "tool_reference", name }));
    }
  }
  const text = typeof content === "string" ? content : joinTexts(texts);
  result.push(object({ role: "tool", tool_call_id: id, content: text }));
  if (images.length > 0) result.push(object({ role: "user", content: images }));
  if (references.length > 0) {
    result.push(object({ role: "tool", tool_call_id: id, content: references }));
  }
}

/** Python's `"\n".join(texts)`. */
function joinTexts(texts: readonly JsonValue[]): string {
  return texts
    .map((text, index) => {
      if (typeof text === "string") return text;
      throw badRequestError(`sequence item ${index}: expected str instance, ${pythonTypeName(text)} found`);
    })
    .join("\n");
}

function imagePart(source: JsonValue): JsonObject {
  if (!(source instanceof Map)) {
    throw internalError(`'${pythonTypeName(source)}' object has no attribute 'get'`);
  }
  const fields = source as JsonObject;
  const url =
    fields.get("type") === "url"
      ? (fields.get("url") ?? "")
      : `data:${pythonStr(fields.get("media_type") ?? "image/jpeg")};base64,${pythonStr(fields.get("data") ?? "")}`;
  return object({ type: "image_url", image_url: object({ url }) });
}

function object(members: Readonly<Record<string, JsonValue>>): JsonObject {
  return new Map(Object.entries(members));
}
