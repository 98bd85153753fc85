import type { DecodedPosition, GeneratedChoice } from "@vllm-router/api";
import {
  createLogprobTexts,
  EMPTY_WINDOW,
  promptWindow,
  type Tokenizer,
  type TokenWindow,
} from "@vllm-router/text";

/** Sampled tokens that the text of a logprob may need. */
const CONTEXT_TOKENS = 4;

/** Where decoding begins: at the end of the prompt where that is known. */
export function windowAfter(
  tokenizer: Tokenizer,
  promptTokenIds: readonly number[] | null,
  skipSpecialTokens: boolean,
): TokenWindow {
  return promptTokenIds === null || promptTokenIds.length === 0
    ? EMPTY_WINDOW
    : promptWindow(tokenizer, promptTokenIds, skipSpecialTokens);
}

/** Logprobs of a choice with the texts of their tokens. */
export function decodedLogprobs(
  tokenizer: Tokenizer,
  logprobs: GeneratedChoice["logprobs"],
  sampledBefore: readonly number[] = [],
): readonly DecodedPosition[] | null | undefined {
  if (logprobs === undefined || logprobs === null) {
    return logprobs;
  }
  const texts = createLogprobTexts(tokenizer, sampledBefore);
  return logprobs.map(({ tokenId, logprob, top }) => {
    const [token = "", ...others] = texts.next([tokenId, ...top.map((other) => other.tokenId)]);
    return {
      token,
      logprob,
      top: top.map((other, at) => ({ token: others[at] ?? "", logprob: other.logprob })),
    };
  });
}

/** The sampled tokens that the next chunk's logprobs may need. */
export function logprobContext(before: readonly number[], ids: readonly number[]): readonly number[] {
  return [...before, ...ids].slice(-CONTEXT_TOKENS);
}
