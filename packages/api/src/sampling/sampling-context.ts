/**
 * Sampling defaults of a model: what its generation_config.json, or `--override-generation-config`, says. A missing
 * member is vLLM's neutral value.
 */
export interface DefaultSampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  /** `max_new_tokens`: output tokens of a request that does not say. */
  readonly maxTokens?: number;
  /** Stop tokens every request gets (harmony models). */
  readonly stopTokenIds?: readonly number[];
}

/** What resolving needs to know of the model behind a request. */
export interface SamplingContext {
  readonly defaultSampling: DefaultSampling;
  /**
   * `eos_token_id` of generation_config.json without the tokenizer's own: they stop a sequence as stop tokens do, unless
   * the request ignores the end of sequence.
   */
  readonly extraEosTokenIds: readonly number[];
  /** Context length in tokens. */
  readonly maxModelLength: number;
  /** Tokens of this prompt, after truncation. */
  readonly promptTokenCount: number;
  /** Size of the model's vocabulary (its logits). */
  readonly vocabularySize: number;
  /** `--max-logprobs`, default 20; -1 allows the whole vocabulary. */
  readonly maxLogprobs: number;
  /** Output tokens no request may pass: `max_new_tokens` of `--override-generation-config`; undefined for none. */
  readonly maxTokensLimit?: number;
  /** True when the engine can limit thinking (`--reasoning-parser`, `--reasoning-config`). */
  readonly reasoningConfigured?: boolean;
}
