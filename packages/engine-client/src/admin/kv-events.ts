import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { KvEventBatch } from "@vllm-router/proto/messages";
import type { EngineError } from "../engine-error.ts";
import { engineErrorFromGrpcJs } from "../transport/grpc-js-transport.ts";

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

/** Passes a stream of batches on to a listener. */
export function listenToKvEvents(
  stream: ClientReadableStream<KvEventBatch>,
  listener: KvEventListener,
): KvEventSubscription {
  let isOver = false;
  const end = (error: EngineError | undefined): void => {
    if (isOver) return;
    isOver = true;
    listener.end(error);
  };
  stream.on("data", (batch: KvEventBatch) => {
    if (!isOver) listener.batch(batch);
  });
  stream.on("end", () => end(undefined));
  stream.on("error", (error: ServiceError) => end(engineErrorFromGrpcJs(error)));
  return {
    stop: () => {
      if (isOver) return;
      isOver = true;
      stream.cancel();
    },
  };
}
