import type { EngineLoad, KvCacheEvent, KvEventBatch } from "@vllm-router/proto/messages";
import {
  KvCacheLocality,
  KvCacheTier,
  KvEventBatch as KvEventBatchMessage,
} from "@vllm-router/proto/messages";
import type { Clock } from "./clock.ts";
import type { GrpcCall } from "./grpc-call.ts";
import type { KvEvent } from "./kv-events.ts";
import { coreOnly, loadChanged } from "./load-record.ts";

/** One numbered batch of a rank, as its publisher sends it. */
export interface PublishedBatch {
  readonly rank: number;
  readonly sequenceNumber: number;
  readonly timestampSeconds: number;
  readonly events: readonly KvEvent[];
  readonly blockSize: number;
}

const heartbeatMs = 1000;
const idleHeartbeatMs = 5000;
/** What a subscriber may leave unread before its stream ends. */
const maxBufferedBytes = 16 * 1024 * 1024;
/** Attention kind and group of a model whose layers are all alike. */
const group = {
  tier: KvCacheTier.KV_CACHE_TIER_DEVICE,
  medium: "GPU",
  groupIdx: 0,
  locality: KvCacheLocality.KV_CACHE_LOCALITY_LOCAL,
} as const;

/** One SubscribeKvEvents stream: batches as they come, and load records on them and between them. */
export class KvEventStream {
  readonly #call: GrpcCall;
  readonly #clock: Clock;
  readonly #load: (rank: number) => EngineLoad;
  #eventId = 0n;
  #sample = 0n;
  #last: { rank: number; sequenceNumber: bigint; load: EngineLoad } | undefined;
  #lastSentAtMs: number;
  #idleHeartbeats = 0;

  constructor(call: GrpcCall, clock: Clock, load: (rank: number) => EngineLoad) {
    this.#call = call;
    this.#clock = clock;
    this.#load = load;
    this.#lastSentAtMs = clock.monotonicMs();
    call.sendHeaders();
  }

  /** Sends a batch with the rank's load. */
  publish(batch: PublishedBatch): void {
    const load = this.#load(batch.rank);
    const sequenceNumber = BigInt(batch.sequenceNumber);
    this.#last = { rank: batch.rank, sequenceNumber, load };
    this.#idleHeartbeats = 0;
    this.#send({
      sequenceNumber,
      timestamp: batch.timestampSeconds,
      events: batch.events.map((event) => this.#event(event, batch.blockSize)),
      dpRank: batch.rank,
      snapshot: undefined,
      load: this.#numbered(load, false),
    });
  }

  /** Called about every 100 ms: sends the load alone when it moved, or when nothing was sent for long. */
  tick(): void {
    const last = this.#last;
    // Before the first batch there is no sequence number to repeat.
    if (last === undefined) return;
    const load = this.#load(last.rank);
    const hasChanged = loadChanged(last.load, load);
    const dueAfterMs = this.#idleHeartbeats >= 2 ? idleHeartbeatMs : heartbeatMs;
    if (!hasChanged && this.#clock.monotonicMs() - this.#lastSentAtMs < dueAfterMs) return;
    this.#idleHeartbeats = hasChanged ? 0 : this.#idleHeartbeats + 1;
    this.#last = { ...last, load };
    this.#send({
      sequenceNumber: last.sequenceNumber,
      timestamp: this.#clock.epochMs() / 1000,
      events: [],
      dpRank: last.rank,
      snapshot: undefined,
      load: this.#numbered(load, true),
    });
  }

  #numbered(load: EngineLoad, loadOnly: boolean): EngineLoad {
    this.#sample++;
    const record = { ...load, sample: this.#sample, loadOnly };
    return loadOnly || this.#sample === 1n ? record : coreOnly(record);
  }

  #send(batch: KvEventBatch): void {
    this.#lastSentAtMs = this.#clock.monotonicMs();
    if (this.#call.bufferedBytes > maxBufferedBytes) {
      this.#call.end("DATA_LOSS", "the subscriber is too slow; resubscribe with zero and rebuild");
      this.#call.onCancel?.();
    } else {
      this.#call.write(KvEventBatchMessage.encode(batch).finish());
    }
  }

  #event(event: KvEvent, blockSize: number): KvCacheEvent {
    this.#eventId++;
    return { eventId: this.#eventId, data: eventData(event, blockSize) };
  }
}

function eventData(event: KvEvent, blockSize: number): KvCacheEvent["data"] {
  switch (event.kind) {
    case "stored":
      return {
        $case: "stored",
        value: {
          blocks: event.hashes.map((hash, index) => ({
            blockHash: hash,
            tokenIds: event.tokenIds.slice(index * blockSize, (index + 1) * blockSize),
            blockSize,
            extraKeys: [],
          })),
          parentBlockHash: event.parent,
          ...group,
          kvCacheSpecKind: "full_attention",
        },
      };
    case "removed":
      return { $case: "removed", value: { blockHashes: [...event.hashes], ...group } };
    case "cleared":
      return { $case: "cleared", value: {} };
  }
}
