import type { EngineConnection } from "@vllm-router/engine-client";
import type { WorkerSlot } from "@vllm-router/routing-core";
import type { EngineIdentity } from "../disaggregation/connector.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { ServedCard } from "./worker-connector.ts";

/** A registered engine: connected, its slots reserved, its model known. */
export interface Worker {
  /** The URL it was registered by. */
  readonly id: string;
  readonly connection: EngineConnection;
  /** First of its slots in ledger and index. */
  readonly slot: WorkerSlot;
  readonly ranks: number;
  /** What the router knows of its model; undefined for HTTP workers, which do everything textual themselves. */
  readonly runtime: ModelRuntime | undefined;
  /** Names under which requests may ask for it; empty takes any. */
  readonly modelNames: readonly string[];
  /** What an HTTP worker lists. */
  readonly cards?: readonly ServedCard[] | undefined;
  /** See {@link WorkerFacts.constraintsAwait}. */
  readonly constraintsAwait?: string | undefined;
  /** What its KV connector is known by; undefined where it does not say. */
  readonly kvIdentity?: EngineIdentity | undefined;
}
