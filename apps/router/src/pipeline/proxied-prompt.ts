import {
  completionPrompts,
  isJsonObject,
  parseChatRequest,
  parseCompletionRequest,
  writeJson,
  type JsonObject,
  type JsonValue,
} from "@vllm-router/api";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { PrepareSettings } from "./prepare-settings.ts";
import { renderConversation } from "./render-conversation.ts";

/** What routing knows of the prompt in a body that is passed on: its tokens, else a text that grows as the prompt does. */
export type ProxiedPrompt =
  | { readonly tokenIds: Int32Array; readonly text?: undefined }
  | { readonly tokenIds?: undefined; readonly text: string };

/** Longest part of a prompt that routing looks at as text, UTF-16 units. */
const MAX_TEXT = 512 * 1024;

/** Which prompt a path's body holds. */
type PromptKind = "chat" | "completion" | "messages" | "responses";

const KINDS: readonly (readonly [path: string, kind: PromptKind])[] = [
  ["/v1/chat/completions", "chat"],
  ["/v1/completions", "completion"],
  ["/v1/messages", "messages"],
  ["/v1/responses", "responses"],
];

/** Fields of a body in the order in which a prompt is made of them, but for completions. */
const PARTS: Readonly<Record<Exclude<PromptKind, "completion">, readonly string[]>> = {
  chat: ["tools", "messages"],
  messages: ["tools", "system", "messages"],
  responses: ["tools", "instructions", "input"],
};

/**
 * Reads the prompt of a body as the worker will. Never fails: a body that is no request is the worker's to refuse, and is
 * routed by what it says.
 */
export function proxiedPrompt(
  path: string,
  body: { readonly bytes: Uint8Array; readonly fields: JsonObject | undefined },
  context: { readonly model: ModelRuntime | undefined; readonly settings: PrepareSettings },
): ProxiedPrompt {
  const { fields } = body;
  const kind = fields === undefined ? undefined : kindOf(path);
  if (fields === undefined || kind === undefined) {
    return { text: new TextDecoder().decode(body.bytes.subarray(0, MAX_TEXT)) };
  }
  const { model, settings } = context;
  const tokenIds =
    givenTokens(fields, kind) ??
    (model === undefined ? undefined : encoded(fields, { kind, model, settings }));
  return tokenIds === undefined ? { text: textOf(fields, kind).slice(0, MAX_TEXT) } : { tokenIds };
}

/** Most tokens that the request may produce; 0 when it does not say. */
export function proxiedMaxTokens(fields: JsonObject | undefined): number {
  const limit = fields?.get("max_completion_tokens") ?? fields?.get("max_tokens");
  return typeof limit === "number" && Number.isInteger(limit) && limit > 0 ? Math.min(limit, 2 ** 31 - 1) : 0;
}

function kindOf(path: string): PromptKind | undefined {
  return KINDS.find(([known]) => path.endsWith(known))?.[1];
}

/** A completion's prompt, the first of a list, that is given as token ids. */
function givenTokens(fields: JsonObject, kind: PromptKind): Int32Array | undefined {
  const prompt = kind === "completion" ? fields.get("prompt") : undefined;
  const first = Array.isArray(prompt) && Array.isArray(prompt[0]) ? (prompt[0] as JsonValue[]) : prompt;
  const isIds = Array.isArray(first) && first.length > 0 && first.every((id) => Number.isInteger(id));
  return isIds ? Int32Array.from(first as number[]) : undefined;
}

function encoded(
  fields: JsonObject,
  with_: { readonly kind: PromptKind; readonly model: ModelRuntime; readonly settings: PrepareSettings },
): Int32Array | undefined {
  const { kind, model, settings } = with_;
  try {
    if (kind === "chat") {
      const request = parseChatRequest(fields);
      const text = renderConversation(request, { model, settings });
      return model.tokenizer.encode(text, request.addSpecialTokens);
    }
    if (kind !== "completion") {
      return undefined;
    }
    const request = parseCompletionRequest(fields);
    const [first] = completionPrompts(request);
    switch (first?.kind) {
      case "text":
        return model.tokenizer.encode(first.text, request.addSpecialTokens);
      case "tokens":
        return Int32Array.from(first.tokenIds, Number);
      default:
        return undefined;
    }
  } catch {
    // Something that only the worker knows, or that it will refuse in its own words.
    return undefined;
  }
}

/** What stands at the prompt's beginning comes first: tools, system, then the conversation; or the first prompt. */
function textOf(fields: JsonObject, kind: PromptKind): string {
  if (kind === "completion") {
    const prompt = fields.get("prompt");
    return flat(Array.isArray(prompt) && typeof prompt[0] !== "number" ? prompt[0] : prompt);
  }
  return PARTS[kind]
    .flatMap((name) => {
      const part = fields.get(name);
      return Array.isArray(part) && name !== "tools" ? part.map(messageText) : [flat(part)];
    })
    .join("\n");
}

function messageText(message: JsonValue): string {
  if (!isJsonObject(message)) {
    return flat(message);
  }
  const rest = [...message].filter(([name]) => name !== "role" && name !== "content");
  return [
    flat(message.get("role")),
    flat(message.get("content")),
    ...rest.map(([, value]) => flat(value)),
  ].join("\n");
}

function flat(value: JsonValue | undefined): string {
  if (value === undefined || value === null) {
    return "";
  }
  return typeof value === "string" ? value : writeJson(value);
}
