import type { KvEventBatch } from "@vllm-router/proto/messages";
import type { EngineError } from "../engine-error.ts";

/** Hears what happens to an engine's KV cache. */
export interface KvEventListener {
  /** One batch, in order; a gap in `sequenceNumber` means that some were lost. */
  batch(batch: KvEventBatch): void;
  /** The last call, unless the subscription was stopped: the engine ended it, in order (undefined) or not. */
  end(error: EngineError | undefined): void;
}

/** A running subscription. */
export interface KvEventSubscription {
  /** Ends it; the listener hears nothing more. */
  stop(): void;
}
