/** How a sequence ends, in vLLM's words. */
export interface ExpectedFinish {
  /**
   * `stop`: end-of-sequence token, stop token or stop string. `length`: the token limit. `repetition`: the tokens repeat
   * themselves as `repetition_detection` forbids, which the engine does not know of.
   */
  readonly reason: "stop" | "length" | "repetition";
  /**
   * The stop string or the id of the stop token; `repetition_detected` for a repetition; null for the end-of-sequence
   * token and for `length`.
   */
  readonly stopReason: string | number | null;
}

/** The limits of one sequence that are decided token by token. */
export interface FinishRuleOptions {
  /** `max_tokens` after all defaults and the model's context length. */
  readonly maxTokens: number;
  /** `ignore_eos`: the end-of-sequence token does not end the sequence. */
  readonly ignoreEos: boolean;
  /** The model's end-of-sequence token. */
  readonly endOfSequenceTokenId: number | undefined;
  /** `stop_token_ids` of the request and, unless `ignore_eos`, the further end tokens of `generation_config.json`. */
  readonly stopTokenIds: ReadonlySet<number>;
}

const endOfSequence: ExpectedFinish = { reason: "stop", stopReason: null };
/** The end by `repetition_detection`. */
export const repetitionDetected: ExpectedFinish = { reason: "repetition", stopReason: "repetition_detected" };
const lengthReached: ExpectedFinish = { reason: "length", stopReason: null };

/**
 * Whether a token ends the sequence, by the rules of vLLM's scheduler (`check_stop`): end-of-sequence token, then stop
 * tokens, then length. `min_tokens` needs no rule: until then the sampler cannot choose an end or stop token.
 *
 * @param tokenCount Output tokens with this one.
 */
export function finishOfToken(
  tokenId: number,
  tokenCount: number,
  options: FinishRuleOptions,
): ExpectedFinish | undefined {
  if (!options.ignoreEos && tokenId === options.endOfSequenceTokenId) return endOfSequence;
  if (options.stopTokenIds.has(tokenId)) return { reason: "stop", stopReason: tokenId };
  return tokenCount >= options.maxTokens ? lengthReached : undefined;
}
