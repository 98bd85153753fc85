/** A constraint on the output, in the words of the engine protocols. */
export type StructuredOutputSetting =
  | { readonly kind: "json-schema"; readonly schema: string }
  | { readonly kind: "json-object" }
  | { readonly kind: "regex"; readonly pattern: string }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "grammar"; readonly grammar: string }
  | { readonly kind: "structural-tag"; readonly tag: string };

/**
 * Sampling parameters with every default applied, in the shape engine clients take. Fields that only some dialects can
 * carry beyond these are named by `carriedFields`.
 */
export interface SamplingSettings {
  /** 0 is greedy. */
  readonly temperature: number;
  /** In (0, 1]. */
  readonly topP: number;
  /** 0 disables. */
  readonly topK: number;
  readonly minP: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  /** Greater than 0; 1 is neutral. */
  readonly repetitionPenalty: number;
  /** Output tokens at most. */
  readonly maxTokens: number;
  readonly minTokens: number;
  readonly stop: readonly string[];
  readonly stopTokenIds: readonly number[];
  readonly ignoreEos: boolean;
  readonly skipSpecialTokens: boolean;
  readonly spacesBetweenSpecialTokens: boolean;
  readonly includeStopStringInOutput: boolean;
  /** Sequences per prompt. */
  readonly n: number;
  readonly seed: number | undefined;
  /** Alternatives per output token; undefined for none, 0 for the sampled token alone. */
  readonly logprobs: number | undefined;
  /** Alternatives per prompt token; undefined for none. */
  readonly promptLogprobs: number | undefined;
  readonly logitBias: ReadonlyMap<number, number> | undefined;
  readonly structuredOutput: StructuredOutputSetting | undefined;
  /** The only tokens that may be sampled; undefined for all. */
  readonly allowedTokenIds?: readonly number[] | undefined;
  /** Tokens whose logprobs are wanted beside the sampled one, instead of the best ones. */
  readonly logprobTokenIds?: readonly number[] | undefined;
}
