import type { ChatTemplate, Tokenizer } from "@vllm-router/text";
import type { GenerationDefaults } from "./generation-defaults.ts";
import type { ModelFiles } from "./model-files.ts";
import type { ModelParsers } from "./model-parsers.ts";
import type { PoolingTraits } from "./pooling-traits.ts";

/** A LoRA adapter, which requests ask for as for a model. */
export interface ModelAdapter {
  readonly name: string;
  /** Where the engine loaded it from; empty when it does not say. */
  readonly path: string;
  /** Name of its base model. */
  readonly parent: string;
}

/**
 * Everything textual about one served model, built once when its first worker registers: two workers with the same files
 * share it.
 */
export interface ModelRuntime {
  /** Names that requests may use; the first is echoed in answers. */
  readonly servedNames: readonly string[];
  /** The adapter this stands for: its base model under the adapter's name. Undefined for a model of its own. */
  readonly adapter?: ModelAdapter | undefined;
  /** Path or hub name the engine loaded, as `/v1/models` shows it. */
  readonly root: string;
  /** Longest prompt plus output in tokens. */
  readonly maxModelLength: number;
  /** Size of the model's vocabulary as the engine checks token ids against it. */
  readonly vocabularySize: number;
  readonly tokenizer: Tokenizer;
  /** What another thread builds the same tokenizer from; undefined where none is to. */
  readonly tokenizerFiles?: ModelFiles | undefined;
  /** Template for conversations without tools; undefined when the model has none. */
  readonly chatTemplate: ChatTemplate | undefined;
  /** Template for conversations with tools. */
  readonly toolTemplate: ChatTemplate | undefined;
  /** How its outputs are taken apart. */
  readonly parsers: ModelParsers;
  /** Date that Harmony's system message names, in the words of the flag; undefined for today's. */
  readonly systemStartDate?: string | undefined;
  /** See {@link WorkerFacts.constraintsAwait}; the word of its first worker. */
  readonly constraintsAwait?: string | undefined;
  /** Sampling defaults of generation_config.json and flags. */
  readonly defaults: GenerationDefaults;
  /** The token that ends a sequence with a null stop reason. */
  readonly endOfSequenceTokenId: number | undefined;
  /** Further end tokens of generation_config.json; they end a sequence with their id as stop reason. */
  readonly extraEndTokenIds: readonly number[];
  /** Name of the model's class by its config.json, such as `Qwen3ForCausalLM`; undefined when that says none. */
  readonly architecture?: string | undefined;
  /** What the model pools; undefined for a model that generates. */
  readonly pooling?: PoolingTraits | undefined;
  /** Text of `tokenizer_config.json`; undefined for a model without one. */
  readonly tokenizerConfig?: string | undefined;
  /** Hash of the files this was built from; workers of one model must agree on it. */
  readonly contentHash: string;
  /** Version of the engine, as `/version` and the fingerprint show it. */
  readonly engineVersion: string;
  readonly systemFingerprint: string | null;
}
