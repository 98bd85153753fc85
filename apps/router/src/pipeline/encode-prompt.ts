import {
  checkPromptLength,
  checkPromptText,
  truncatedRange,
  truncatePromptText,
  type GenerationRequest,
  type LengthContext,
} from "@vllm-router/api";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { checkEncodable } from "./encodable-text.ts";
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
  // A code point has at most two units: counting them exactly matters only near the limit.
  const isFarBelow = text.length <= context.maxModelLength * context.maxCharactersPerToken;
  checkPromptText(request, isFarBelow ? text.length : [...text].length, context);
  checkEncodable(text);
  const encoded = model.tokenizer.encode(
    truncatePromptText(request, text, context),
    request.addSpecialTokens,
  );
  const mostCounted = context.maxModelLength + 1;
  if (request.truncatePromptTokens === null && encoded.length > mostCounted) {
    // vLLM's tokeniser stops one token behind the limit: its message says "at least" so many.
    checkPromptLength(mostCounted, context.maxModelLength);
  }
  return fitted(encoded, request, context);
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
