import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** Turns the tokens of one sequence into text as they come. */
export interface Detokenizer {
  /** Takes the next output token and returns the text it completes; empty while a character is not complete. */
  push(tokenId: number): string;
}

/** How one sequence is turned into text. */
export interface DetokenizerOptions {
  /** Ids of the prompt: context for the first token, never part of the text. */
  readonly promptTokenIds: ArrayLike<number>;
  /** `skip_special_tokens` of the request, vLLM's default true. */
  readonly skipSpecialTokens: boolean;
  /** `spaces_between_special_tokens` of the request, vLLM's default true. Only matters when special tokens are kept. */
  readonly spacesBetweenSpecialTokens: boolean;
}

/** A detokeniser that gives the same text per token as vLLM's `FastIncrementalDetokenizer`. */
export function createDetokenizer(tokenizer: Tokenizer, options: DetokenizerOptions): Detokenizer {
  const stream = tokenizer.decodeStream(options);
  if (options.skipSpecialTokens || options.spacesBetweenSpecialTokens) return stream;
  let lastWasAdded = false;
  return {
    push(tokenId) {
      const text = stream.push(tokenId);
      const added = tokenizer.addedTokenText(tokenId);
      const followsAdded = lastWasAdded;
      lastWasAdded = added !== undefined;
      // Between two added tokens the decoder may have put a space: then the token's own text counts.
      return added !== undefined && followsAdded ? added : text;
    },
  };
}
