import {
  completionPrompts,
  parseChatRequest,
  parseCompletionRequest,
  withoutSpace,
  type ByteSpan,
  type JsonObject,
  type JsonValue,
} from "@vllm-router/api";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { ProxiedBody } from "../server/proxied-body.ts";
import type { PrepareSettings } from "./prepare-settings.ts";
import { renderConversation } from "./render-conversation.ts";

/** What routing knows of the prompt in a body that is passed on: its tokens, else a text that grows as the prompt does. */
export type ProxiedPrompt =
  | { readonly tokenIds: Int32Array; readonly text?: undefined }
  | {
      readonly tokenIds?: undefined;
      /** Makes the text, which is valid until the next one is made: a copy a request would be most of what long bodies leave behind. */
      readonly text: () => Uint8Array;
    };

/** Longest part of a prompt that routing looks at as text, in bytes. */
const MAX_TEXT = 512 * 1024;

const QUOTE = 0x22;
const CLOSE_BRACKET = 0x5d;

/** Where texts are made, one after the other. */
let room = new Uint8Array(0);

/** Which prompt a path's body holds. */
type PromptKind = "chat" | "completion" | "messages" | "responses";

const KINDS: readonly (readonly [path: string, kind: PromptKind])[] = [
  ["/v1/chat/completions", "chat"],
  ["/v1/completions", "completion"],
  ["/v1/messages", "messages"],
  ["/v1/responses", "responses"],
];

/** Fields of a body in the order in which a prompt is made of them. */
const PARTS: Readonly<Record<PromptKind, readonly string[]>> = {
  chat: ["tools", "messages"],
  completion: ["prompt"],
  messages: ["tools", "system", "messages"],
  responses: ["tools", "instructions", "input"],
};

/**
 * Reads the prompt of a body as the worker will. Never fails: a body that is no request is the worker's to refuse, and is
 * routed by what it says.
 */
export function proxiedPrompt(
  path: string,
  body: ProxiedBody,
  context: { readonly model: ModelRuntime | undefined; readonly settings: PrepareSettings },
): ProxiedPrompt {
  const kind = kindOf(path);
  if (kind === undefined) {
    return { text: () => body.bytes.subarray(0, MAX_TEXT) };
  }
  const { model, settings } = context;
  const tokenIds =
    (kind === "completion" ? givenTokens(body.get("prompt")) : undefined) ??
    (model === undefined ? undefined : encoded(body.fields, { kind, model, settings }));
  return tokenIds === undefined ? { text: () => textOf(body, kind) } : { tokenIds };
}

/** Most tokens that the request may produce; 0 when it does not say. */
export function proxiedMaxTokens(fields: Pick<JsonObject, "get"> | undefined): number {
  const limit = fields?.get("max_completion_tokens") ?? fields?.get("max_tokens");
  return typeof limit === "number" && Number.isInteger(limit) && limit > 0 ? Math.min(limit, 2 ** 31 - 1) : 0;
}

function kindOf(path: string): PromptKind | undefined {
  return KINDS.find(([known]) => path.endsWith(known))?.[1];
}

/** A completion's prompt, the first of a list, that is given as token ids. */
function givenTokens(prompt: JsonValue | undefined): Int32Array | undefined {
  const first = Array.isArray(prompt) && Array.isArray(prompt[0]) ? (prompt[0] as JsonValue[]) : prompt;
  const isIds = Array.isArray(first) && first.length > 0 && first.every((id) => Number.isInteger(id));
  return isIds ? Int32Array.from(first as number[]) : undefined;
}

function encoded(
  fields: JsonObject | undefined,
  with_: { readonly kind: PromptKind; readonly model: ModelRuntime; readonly settings: PrepareSettings },
): Int32Array | undefined {
  const { kind, model, settings } = with_;
  if (fields === undefined) {
    return undefined;
  }
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

/**
 * The parts of a prompt as they stand in the body, without the space around them: what stands at the prompt's beginning comes
 * first. The end of a list or a text is left out, so that a longer one begins as a shorter one does. A body whose parts
 * cannot be told is its own text.
 */
function textOf({ bytes, members }: ProxiedBody, kind: PromptKind): Uint8Array {
  let left = MAX_TEXT;
  if (members === undefined) {
    return bytes.subarray(0, left);
  }
  const spans: ByteSpan[] = [];
  for (const name of PARTS[kind]) {
    const span = members.get(name);
    if (span === undefined) continue;
    const { start } = span;
    const last = bytes[span.end - 1];
    const isOpenEnded = last === CLOSE_BRACKET || last === QUOTE;
    const end = Math.min(isOpenEnded ? span.end - 1 : span.end, start + left);
    spans.push({ start, end });
    left -= end - start;
  }
  const length = MAX_TEXT - left;
  if (room.length < length) {
    room = new Uint8Array(Math.min(MAX_TEXT, 2 * length));
  }
  return withoutSpace(bytes, spans, room);
}
