import { validationError } from "../api-error.ts";
import { type GenerationRequest, isChatRequest } from "./draft-sampling.ts";

/** What the length rules need to know of the model. */
export interface LengthContext {
  /** Context length in tokens. */
  readonly maxModelLength: number;
  /** Characters (code points) of the longest token of the vocabulary. */
  readonly maxCharactersPerToken: number;
  /** Side the tokenizer truncates when the request does not say; default right. */
  readonly truncationSide?: "left" | "right";
}

/**
 * Checks what the request says about lengths, before its prompt is rendered.
 *
 * @throws {@link ApiError}
 */
export function checkRequestedLengths(request: GenerationRequest, maxModelLength: number): void {
  const useNew = isChatRequest(request) && request.maxCompletionTokens !== null;
  const maxTokens = (useNew ? request.maxCompletionTokens : request.maxTokens) ?? 0;
  const name = useNew ? "max_completion_tokens" : "max_tokens";
  if (maxTokens > maxModelLength) {
    throw validationError(
      `${name}=${maxTokens} cannot be greater than max_model_len=${maxModelLength}. Please request fewer output tokens.`,
      name,
      maxTokens,
    );
  }
  const truncate = request.truncatePromptTokens;
  if (truncate !== null && truncate > maxModelLength) {
    throw validationError(
      `truncate_prompt_tokens=${truncate} cannot be greater than max_model_len = ${maxModelLength}. ` +
        "Please request a smaller truncation size.",
      "truncate_prompt_tokens",
      truncate,
    );
  }
}

/**
 * Checks the prompt's text before it is tokenised; `length` counts code points. Prompts given as token ids skip this.
 *
 * @throws {@link ApiError} when no tokenisation could make the text fit.
 */
export function checkPromptText(request: GenerationRequest, length: number, context: LengthContext): void {
  if (request.truncatePromptTokens !== null) return;
  const limit = maxPromptCharacters(context);
  if (length <= limit) return;
  throw validationError(
    `This model's maximum context length is ${context.maxModelLength} tokens. However, your prompt contains ` +
      `${length} characters (more than ${limit} characters, which is the upper bound for ` +
      `${context.maxModelLength} input tokens). Please reduce the length of the input prompt.`,
    "input_text",
    length,
  );
}

function maxPromptCharacters(context: LengthContext): number {
  return context.maxModelLength * context.maxCharactersPerToken;
}

/**
 * The text that is tokenised: with `truncate_prompt_tokens` and an explicit side a text that is far too long is cut
 * first.
 */
export function truncatePromptText(request: GenerationRequest, text: string, context: LengthContext): string {
  const limit = maxPromptCharacters(context);
  if (request.truncatePromptTokens === null || request.truncationSide === null || text.length <= limit)
    return text;
  const characters = [...text];
  if (characters.length <= limit) return text;
  return (request.truncationSide === "left" ? characters.slice(-limit) : characters.slice(0, limit)).join("");
}

/**
 * Tokens at most that are of interest of one text prompt: the tokenizer may stop there. One more than fits, so that
 * `checkPromptLength` still sees that it does not fit; undefined when all are needed.
 */
export function promptTokenLimit(request: GenerationRequest, maxModelLength: number): number | undefined {
  const { truncatePromptTokens: truncate, truncationSide } = request;
  if (truncate === null) return maxModelLength + 1;
  if (truncationSide !== null) return undefined;
  return truncate < 0 ? maxTruncatedTokens(request, maxModelLength) : Number(truncate);
}

/** Truncating to "the limit" leaves one token of room for output, unless no output tokens were asked for. */
function maxTruncatedTokens(request: GenerationRequest, maxModelLength: number): number {
  const asked = isChatRequest(request)
    ? (request.maxCompletionTokens ?? request.maxTokens)
    : request.maxTokens;
  return Number(asked ?? 0) === 0 ? maxModelLength : Math.max(0, maxModelLength - 1);
}

/** The part of a prompt that `truncate_prompt_tokens` keeps, as a half-open range of token positions. */
export function truncatedRange(
  request: GenerationRequest,
  count: number,
  context: LengthContext,
): { readonly start: number; readonly end: number } {
  const asked = request.truncatePromptTokens;
  if (asked === null) return { start: 0, end: count };
  const keep = asked < 0 ? maxTruncatedTokens(request, context.maxModelLength) : Number(asked);
  if (keep >= count) return { start: 0, end: count };
  const side = request.truncationSide ?? context.truncationSide ?? "right";
  return side === "left" && keep > 0 ? { start: count - keep, end: count } : { start: 0, end: keep };
}

/**
 * Checks the number of prompt tokens after truncation.
 *
 * @throws {@link ApiError} when they do not fit the context.
 */
export function checkPromptLength(count: number, maxModelLength: number): void {
  if (count <= maxModelLength) return;
  const qualifier = count === maxModelLength + 1 ? "at least " : "";
  throw validationError(
    `This model's maximum context length is ${maxModelLength} tokens. However, your prompt contains ` +
      `${qualifier}${count} input tokens, which exceeds this limit even without any output tokens. ` +
      "Please reduce the length of the input prompt.",
    "input_tokens",
    count,
  );
}

/**
 * The engine's own look at a prompt, made after the sampling checks: not empty, room for one output token, ids inside
 * the vocabulary (`maxTokenId` is the larger of tokenizer's and model's last id).
 *
 * @param limits `highestTokenId` is the highest of them that there can be, where that is known: they are looked through only where it is too high
 * @throws {@link ApiError}
 */
export function checkEnginePrompt(
  tokenIds: ArrayLike<number | bigint>,
  limits: {
    readonly maxModelLength: number;
    readonly maxTokenId: number;
    readonly highestTokenId?: number | undefined;
  },
): void {
  const { maxModelLength, maxTokenId, highestTokenId = Infinity } = limits;
  const count = tokenIds.length;
  if (count === 0) throw validationError("The decoder prompt cannot be empty");
  if (count > maxModelLength) {
    throw validationError(
      `The decoder prompt (length ${count}) is longer than the maximum model length of ${maxModelLength}. ` +
        "Make sure that `max_model_len` is no smaller than the number of text tokens.",
    );
  }
  if (count === maxModelLength) {
    throw validationError(
      `The decoder prompt (length ${count}) plus the number of requested output tokens (at least 1) is longer than ` +
        `the maximum model length of ${maxModelLength}. Make sure that \`max_model_len\` is no smaller than the ` +
        "number of text tokens (prompt + requested output tokens).",
    );
  }
  if (highestTokenId <= maxTokenId) return;
  let lowest: number | bigint = 0;
  let highest: number | bigint = 0;
  for (let index = 0; index < count; index++) {
    const id = tokenIds[index] as number | bigint;
    if (id < lowest) lowest = id;
    else if (id > highest) highest = id;
  }
  if (lowest < 0) throw validationError(`Token id ${lowest} is out of vocabulary`);
  if (highest > maxTokenId) throw validationError(`Token id ${highest} is out of vocabulary`);
}
