import type { EngineConnection } from "@vllm-router/engine-client";
import type { EngineIdentity } from "../disaggregation/connector.ts";
import type { ModelFiles } from "../models/model-files.ts";

/** What an engine says of a model that pools, which is one that does not generate. */
export interface PoolingFacts {
  /** Name of the model's class, such as `BertModel`; empty when it does not say. */
  readonly architecture: string;
  readonly isMultimodal: boolean;
  /** Numbers in an embedding; undefined for a model that makes no embeddings. */
  readonly embeddingSize: number | undefined;
  /** The engine's own words about a model that makes no embeddings: they name the tasks it has. */
  readonly refusal: string;
}

/** A model as an HTTP worker lists it. */
export interface ServedCard {
  readonly id: string;
  /** Path or hub name; empty when it does not say. */
  readonly root: string;
  /** The base model of an adapter; undefined for a model of its own. */
  readonly parent: string | undefined;
  /** Undefined when it does not say. */
  readonly maxModelTokens: number | undefined;
}

/** What an engine says of itself when it is registered. */
export interface WorkerFacts {
  /** Names it serves; empty when it does not say. */
  readonly modelNames: readonly string[];
  /** What an HTTP worker lists, adapters with their base models; of a gRPC worker its adapters alone, where it lists any. */
  readonly cards?: readonly ServedCard[];
  /** Those of the names that are LoRA adapters. Default none. */
  readonly adapterNames?: readonly string[];
  /** Model path or hub name. */
  readonly root: string;
  /** Longest prompt plus output in tokens; 0 when it does not say. */
  readonly maxModelLength: number;
  /** 0 when it does not say. */
  readonly vocabularySize: number;
  /** Data-parallel ranks, at least 1. */
  readonly ranks: number;
  /** Version of the engine; empty when unknown. */
  readonly engineVersion: string;
  /** Tokenizer and configuration files it hands out; empty when it hands out none. */
  readonly files: ModelFiles;
  /** Path or hub name of its tokenizer, for the case that it hands out no files. */
  readonly tokenizerPath: string;
  /** End tokens by the engine's model configuration. */
  readonly endTokenIds: readonly number[];
  /** Undefined for a model that generates. */
  readonly pooling?: PoolingFacts | undefined;
  /**
   * Name of the engine's own reasoning parser, where constraints do not hold before it has seen a thought end; undefined
   * where they hold from the first token, or the engine does not say.
   */
  readonly constraintsAwait?: string | undefined;
  /** What its KV connector is known by; undefined where it does not say. */
  readonly kvIdentity?: EngineIdentity | undefined;
  /** Sampling defaults by the engine's word, by their names in generation_config.json. */
  readonly samplingDefaults: Readonly<Record<string, number>>;
}

/** An engine that answered. */
export interface ConnectedWorker {
  readonly connection: EngineConnection;
  readonly facts: WorkerFacts;
}

/**
 * What a probe found: the engine serves; it answers but does not serve; or it is not the engine any more that was
 * registered (restarted with another model), so that what is known of it is void.
 */
export type ProbeVerdict = "serving" | "not-serving" | "replaced" | AdaptersChanged;

/** The engine serves, and has loaded or unloaded adapters since it was registered. */
export interface AdaptersChanged {
  readonly kind: "adapters-changed";
  /** What it says of itself now. */
  readonly facts: WorkerFacts;
}

/** Reaches engines. The fleet knows nothing of protocols beyond this. */
export interface WorkerConnector {
  /**
   * Finds out what `url` speaks, connects, and asks what it serves. Resolves only for an engine that serves.
   * @throws EngineError or RouterError when nothing answers or the answer is no use; EngineError `cancelled` on `signal`
   */
  connect(url: string, signal: AbortSignal): Promise<ConnectedWorker>;
  /** One health probe; rejects when the engine cannot be reached, or on `signal`. */
  probe(worker: ConnectedWorker, signal: AbortSignal): Promise<ProbeVerdict>;
}
