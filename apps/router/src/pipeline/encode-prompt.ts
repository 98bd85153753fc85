import {
  checkPromptLength,
  checkPromptText,
  truncatedRange,
  truncatePromptText,
  type GenerationRequest,
  type LengthContext,
} from "@vllm-router/api";
import type { RecurringPrompt } from "@vllm-router/engine-client";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { RenderedConversation } from "./conversation-memory.ts";
import { checkEncodable } from "./encodable-text.ts";
import type { RenderContext } from "./render-conversation.ts";
import { isWide } from "./wide-ids.ts";

/** The length rules' view of a model. */
function lengthContext(model: ModelRuntime): LengthContext {
  return {
    maxModelLength: model.maxModelLength,
    maxCharactersPerToken: model.tokenizer.maxTokenCharacters,
    // vLLM loads every tokenizer so that a truncated prompt keeps its end.
    truncationSide: "left",
  };
}

/**
 * Encodes the text of a prompt; one that is too long is refused before and after, or truncated as the request says.
 * @throws ApiError 400 with vLLM's text
 */
export function encodeText(text: string, request: GenerationRequest, model: ModelRuntime): Int32Array {
  const context = lengthContext(model);
  checkPromptText(request, isFarBelow(text, context) ? text.length : [...text].length, context);
  checkEncodable(text);
  const encoded = model.tokenizer.encode(
    truncatePromptText(request, text, context),
    request.addSpecialTokens,
  );
  return limited(encoded, request, context);
}

/** A code point has at most two units: counting them exactly matters only near the limit. */
function isFarBelow(text: string, { maxModelLength, maxCharactersPerToken }: LengthContext): boolean {
  return text.length <= maxModelLength * maxCharactersPerToken;
}

function limited(encoded: Int32Array, request: GenerationRequest, context: LengthContext): Int32Array {
  const mostCounted = context.maxModelLength + 1;
  if (request.truncatePromptTokens === null && encoded.length > mostCounted) {
    // vLLM's tokeniser stops one token behind the limit: its message says "at least" so many.
    checkPromptLength(mostCounted, context.maxModelLength);
  }
  return fitted(encoded, request, context);
}

/** Texts of fewer units are as quickly encoded as remembered. */
const SHORTEST_REMEMBERED = 1 << 13;

/** A conversation's text and its ids. */
export interface ConversationPrompt {
  readonly text: string;
  readonly tokenIds: Int32Array;
  readonly recurring: RecurringPrompt | undefined;
}

/**
 * Encodes a conversation as {@link encodeText} does its text; of a long one that begins like an earlier one only the rest.
 * @throws ApiError 400 with vLLM's text
 */
export function encodeConversation(
  conversation: RenderedConversation,
  request: GenerationRequest,
  { model, settings }: RenderContext,
): ConversationPrompt {
  const { conversations } = settings;
  const context = lengthContext(model);
  let text = "";
  for (const piece of conversation.pieces) {
    text += piece;
  }
  const isRemembered =
    text.length >= SHORTEST_REMEMBERED &&
    isFarBelow(text, context) &&
    request.truncatePromptTokens === null &&
    !request.addSpecialTokens;
  if (conversations === undefined || !isRemembered) {
    return { text, tokenIds: encodeText(text, request, model), recurring: undefined };
  }
  const { tokenIds, recurring } = conversations.encode(conversation, model.tokenizer, (rest) => {
    checkEncodable(rest);
    return model.tokenizer.encodeWithCuts(rest);
  });
  return { text, tokenIds: limited(tokenIds, request, context), recurring };
}

/** A prompt's ids as engines take them, and as they were given where some have no place there. */
export interface TakenIds {
  readonly tokenIds: Int32Array;
  /** Undefined where all ids have 32 bits. Else none of them may reach an engine. */
  readonly wideIds: readonly (number | bigint)[] | undefined;
}

/**
 * Takes a prompt given as token ids, truncated as the request says.
 * @throws ApiError 400 with vLLM's text
 */
export function takeTokenIds(
  ids: readonly (number | bigint)[],
  request: GenerationRequest,
  model: ModelRuntime,
): TakenIds {
  const context = lengthContext(model);
  const tokenIds = fitted(
    Int32Array.from(ids, (id) => (isWide(id) ? 0 : Number(id))),
    request,
    context,
  );
  if (!ids.some(isWide)) {
    return { tokenIds, wideIds: undefined };
  }
  const { start, end } = truncatedRange(request, ids.length, context);
  return { tokenIds, wideIds: ids.slice(start, end) };
}

function fitted(tokenIds: Int32Array, request: GenerationRequest, context: LengthContext): Int32Array {
  const { start, end } = truncatedRange(request, tokenIds.length, context);
  const kept = start === 0 && end === tokenIds.length ? tokenIds : tokenIds.slice(start, end);
  checkPromptLength(kept.length, context.maxModelLength);
  return kept;
}
