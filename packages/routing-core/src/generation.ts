/**
 * Says that a prompt comes again as the beginning of longer ones: the keys of its blocks are kept as long as the array of its ids lives, and
 * those of what an earlier prompt shares are not computed again.
 */
export interface RecurringTokens {
  /** Ids of an earlier prompt that was given as recurring (the very array), which this one begins like; undefined for none. */
  readonly earlier: Int32Array | undefined;
  /** How many ids the two share at the least; 0 where there is no earlier one. */
  readonly shared: number;
}

/**
 * What the router knows about one generation when it asks for a worker. Plain data; nothing here is kept after
 * `settle` has returned.
 */
export interface Generation {
  /** Identifies the generation in records and logs. */
  readonly requestId: string;
  /** The served model name asked for. Empty: any worker's model will do. */
  readonly model: string;
  /** The prompt as token ids. Where present, prefix matching is exact to the token. */
  readonly tokenIds?: Int32Array | undefined;
  /** Undefined where the prompt is not expected again. */
  readonly recurring?: RecurringTokens | undefined;
  /**
   * The prompt (or what is known of it) as text or as text's UTF-8 bytes, used for prefix matching only where `tokenIds` is missing. The
   * bytes stay as they are until the generation has ended.
   */
  readonly text?: string | Uint8Array | undefined;
  /** Length of the prompt in tokens; 0 when unknown, it is then estimated as a quarter of the text's UTF-16 units or bytes. */
  readonly promptTokens: number;
  /** Most tokens the generation may produce; 0 when unlimited or unknown. */
  readonly maxTokens: number;
  /** Affinity key (session, user, …), see {@link routingKeyOf}. */
  readonly routingKey?: string | undefined;
  /** LoRA adapter; prompts under different adapters share no cache. */
  readonly loraName?: string | undefined;
  /** vLLM's `cache_salt`; prompts under different salts share no cache. */
  readonly cacheSalt?: string | undefined;
  /** Data-parallel rank the client insists on; any rank when missing. */
  readonly rank?: number | undefined;
  /** Names of request fields that the worker's dialect must be able to express. */
  readonly requiredFields: readonly string[];
  /** Ids of workers that earlier attempts have used up. */
  readonly excludedWorkers: readonly string[];
}
