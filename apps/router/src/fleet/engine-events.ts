import type {
  EngineError,
  KvEventBatch,
  KvEventListener,
  KvEventSubscription,
} from "@vllm-router/engine-client";
import type { EngineLoad } from "@vllm-router/routing-core";
import type { CancelTimer, Timers } from "./timers.ts";

/** A load figure that an engine pushed about one of its ranks. */
export interface LoadSample {
  readonly rank: number;
  readonly load: EngineLoad;
}

/** Hears what an engine pushes. Several may hang on one subscription. */
export interface EngineEventListener {
  load?(sample: LoadSample): void;
  /** A batch of KV events, in order; records of the load alone are left out. */
  blocks?(batch: KvEventBatch): void;
  /** The stream broke off, and blocks may be missed until it is back. */
  interrupted?(): void;
}

/** The one call of an engine that events come by. */
export interface EventSource {
  subscribeKvEvents(listener: KvEventListener): KvEventSubscription;
}

/** What {@link EngineEvents} works with. */
export interface EngineEventsOptions {
  readonly source: EventSource;
  readonly timers: Timers;
  readonly listeners: readonly EngineEventListener[];
}

/** First pause before a broken subscription is made again; doubled each time up to a limit. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/**
 * The subscription to what an engine pushes (KV blocks and load records in one stream), made again whenever it breaks,
 * until it is disposed of or the engine turns out not to publish.
 */
export class EngineEvents implements Disposable {
  readonly #options: EngineEventsOptions;
  #subscription: KvEventSubscription | undefined;
  #cancelTimer: CancelTimer | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #isDisposed = false;
  #isPublished = true;
  #lastLoadAtMs = -Infinity;

  constructor(options: EngineEventsOptions) {
    this.#options = options;
    this.#subscribe();
  }

  /** False once the engine has said that it publishes nothing. */
  get isPublished(): boolean {
    return this.#isPublished;
  }

  /** Instant of the last load record, on the steady clock; -Infinity before the first. */
  get lastLoadAtMs(): number {
    return this.#lastLoadAtMs;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#cancelTimer?.();
    this.#subscription?.stop();
  }

  #subscribe(): void {
    this.#subscription = this.#options.source.subscribeKvEvents({
      batch: (batch) => this.#received(batch),
      end: (error) => this.#ended(error),
    });
  }

  #received(batch: KvEventBatch): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    const { listeners, timers } = this.#options;
    const { load } = batch;
    if (load !== undefined) {
      this.#lastLoadAtMs = timers.steadyMs();
      const sample: LoadSample = {
        rank: batch.dpRank ?? 0,
        load: {
          runningRequests: load.runningRequests,
          waitingRequests: load.waitingRequests,
          kvCacheUsage: load.tokenUsage,
          observedAtMs: this.#lastLoadAtMs - load.ageMs,
        },
      };
      for (const listener of listeners) {
        listener.load?.(sample);
      }
    }
    // Also one without events: its number is one of the row.
    if (load?.loadOnly !== true) {
      for (const listener of listeners) {
        listener.blocks?.(batch);
      }
    }
  }

  #ended(error: EngineError | undefined): void {
    if (this.#isDisposed) {
      return;
    }
    for (const listener of this.#options.listeners) {
      listener.interrupted?.();
    }
    if (error?.code === "unimplemented") {
      this.#isPublished = false;
      return;
    }
    this.#cancelTimer = this.#options.timers.after(this.#pauseMs, () => this.#subscribe());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }
}
