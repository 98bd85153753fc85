import type { EngineConnection } from "@vllm-router/engine-client";
import type { ModelFiles } from "../models/model-files.ts";

/** What an engine says of itself when it is registered. */
export interface WorkerFacts {
  /** Names it serves; empty when it does not say. */
  readonly modelNames: readonly string[];
  /** Model path or hub name. */
  readonly root: string;
  readonly maxModelLength: number;
  readonly vocabularySize: number;
  /** Data-parallel ranks, at least 1. */
  readonly ranks: number;
  /** Version of the engine; empty when unknown. */
  readonly engineVersion: string;
  /** Tokenizer and configuration files it hands out; empty when it hands out none. */
  readonly files: ModelFiles;
  /** Path or hub name of its tokenizer, for the case that it hands out no files. */
  readonly tokenizerPath: string;
}

/** An engine that answered. */
export interface ConnectedWorker {
  readonly connection: EngineConnection;
  readonly facts: WorkerFacts;
}

/** Reaches engines. The fleet knows nothing of protocols beyond this. */
export interface WorkerConnector {
  /**
   * Finds out what `url` speaks, connects, and asks what it serves.
   * @throws EngineError or RouterError when nothing answers or the answer is no use
   */
  connect(url: string): Promise<ConnectedWorker>;
  /** One health probe; resolves false for "not serving", rejects when the engine cannot be reached. */
  probe(worker: ConnectedWorker): Promise<boolean>;
}
