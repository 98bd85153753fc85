import {
  checkPromptLength,
  codePointLength,
  type PoolingCommon,
  unsupportedFieldError,
  validationError,
} from "@vllm-router/api";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { checkEncodable } from "./encodable-text.ts";
import type { PoolingTraits } from "../models/pooling-traits.ts";

/** How a pooling request wants its prompts cut and filled up. */
export type PromptFitting = Pick<PoolingCommon, "truncatePromptTokens" | "truncationSide" | "padding">;

/** Prompts of a model that pools. Their tokens are not checked against the vocabulary yet. */
export type PoolingTokenIds = readonly (number | bigint)[] | Int32Array;

/** A model with what it pools. */
export type PoolingModel = ModelRuntime & { readonly pooling: PoolingTraits };

/**
 * Encodes a text, cut and filled up as the request says.
 * @throws ApiError 400 with vLLM's text
 */
export function encodePoolingText(
  text: string,
  addSpecialTokens: boolean,
  context: { readonly fitting: PromptFitting; readonly model: PoolingModel },
): PoolingTokenIds {
  const { fitting, model } = context;
  checkEncodable(text);
  const fitted = fitText(text, context);
  const wanted = model.pooling.lowersCase ? fitted.toLowerCase() : fitted;
  return fitTokens(encodeCut(wanted, addSpecialTokens, context), fitting, model);
}

/**
 * Cuts and fills up a prompt given as token ids.
 * @throws ApiError 400 with vLLM's text
 */
export function fitTokens(
  tokenIds: PoolingTokenIds,
  fitting: PromptFitting,
  model: PoolingModel,
): PoolingTokenIds {
  const fitted = padded(truncated(tokenIds, fitting, model), fitting, model);
  checkPromptLength(fitted.length, model.maxModelLength);
  return fitted;
}

/** A text far beyond any tokenisation that fits is refused, or cut before it is tokenised when a side was named. */
function fitText(
  text: string,
  { fitting, model }: { readonly fitting: PromptFitting; readonly model: PoolingModel },
): string {
  const limit = model.maxModelLength * model.tokenizer.maxTokenCharacters;
  if (text.length <= limit) {
    return text;
  }
  const length = codePointLength(text);
  if (length <= limit || (fitting.truncatePromptTokens !== null && fitting.truncationSide === null)) {
    return text;
  }
  if (fitting.truncatePromptTokens === null) {
    throw validationError(
      `This model's maximum context length is ${model.maxModelLength} tokens. However, your prompt contains ` +
        `${length} characters (more than ${limit} characters, which is the upper bound for ` +
        `${model.maxModelLength} input tokens). Please reduce the length of the input prompt.`,
      "input_text",
      length,
    );
  }
  const characters = [...text];
  return (fitting.truncationSide === "left" ? characters.slice(-limit) : characters.slice(0, limit)).join("");
}

/**
 * Tokenises as the tokenizer itself truncates: the text's own tokens are cut, special tokens stay. With a side named
 * vLLM cuts the whole prompt instead. Pooling models are loaded so that a cut prompt keeps its beginning.
 */
function encodeCut(
  text: string,
  addSpecialTokens: boolean,
  { fitting, model }: { readonly fitting: PromptFitting; readonly model: PoolingModel },
): PoolingTokenIds {
  const { tokenizer } = model;
  const { truncatePromptTokens } = fitting;
  if (truncatePromptTokens !== null && fitting.truncationSide !== null) {
    return tokenizer.encode(text, addSpecialTokens);
  }
  // One more than fits, so that the check of lengths still sees that it does not fit.
  const limit = truncatePromptTokens === null ? model.maxModelLength + 1 : keptTokens(fitting, model);
  const { before, after } = tokenizer.specialFrame;
  const own = tokenizer.encode(text, false);
  const room = Math.max(0, limit - (addSpecialTokens ? before.length + after.length : 0));
  const cut = own.length <= room ? own : own.subarray(0, room);
  return addSpecialTokens ? Int32Array.from([...before, ...cut, ...after]) : cut;
}

function keptTokens(fitting: PromptFitting, model: ModelRuntime): number {
  const asked = Number(fitting.truncatePromptTokens);
  return asked < 0 ? model.maxModelLength : asked;
}

function truncated(tokenIds: PoolingTokenIds, fitting: PromptFitting, model: ModelRuntime): PoolingTokenIds {
  if (fitting.truncatePromptTokens === null) {
    return tokenIds;
  }
  const keep = keptTokens(fitting, model);
  if (keep >= tokenIds.length) {
    return tokenIds;
  }
  return fitting.truncationSide === "left" && keep > 0
    ? tokenIds.slice(tokenIds.length - keep)
    : tokenIds.slice(0, keep);
}

function padded(tokenIds: PoolingTokenIds, fitting: PromptFitting, model: PoolingModel): PoolingTokenIds {
  if (fitting.padding !== "max_length" || tokenIds.length >= model.maxModelLength) {
    return tokenIds;
  }
  const { padTokenId } = model.pooling;
  if (padTokenId === undefined) {
    throw unsupportedFieldError("padding");
  }
  return [...tokenIds, ...Array<number>(model.maxModelLength - tokenIds.length).fill(padTokenId)];
}

/**
 * The engine's own look at a prompt: not empty, ids inside the vocabulary. vLLM makes it after every other check.
 * @throws ApiError 400 with vLLM's text
 */
export function checkedTokenIds(tokenIds: PoolingTokenIds, model: ModelRuntime): Int32Array {
  if (tokenIds.length === 0) {
    throw validationError("The decoder prompt cannot be empty");
  }
  const maxTokenId = Math.max(model.vocabularySize, model.tokenizer.vocabularySize) - 1;
  let lowest: number | bigint = 0;
  let highest: number | bigint = 0;
  for (const id of tokenIds) {
    if (id < lowest) {
      lowest = id;
    } else if (id > highest) {
      highest = id;
    }
  }
  if (lowest < 0) {
    throw validationError(`Token id ${lowest} is out of vocabulary`);
  }
  if (highest > maxTokenId) {
    throw validationError(`Token id ${highest} is out of vocabulary`);
  }
  return tokenIds instanceof Int32Array ? tokenIds : Int32Array.from(tokenIds, Number);
}
