import type { EngineCache } from "./engine-cache.ts";
import type { KvFeedCounts } from "./kv-feed-counts.ts";
import type { KvEventBatch } from "./kv-event.ts";

/** What a feed wants of its source: batches again, from this number on. */
export interface KvReplayRequest {
  readonly from: number;
}

/** Options of {@link createKvFeed}. */
export interface KvFeedOptions {
  readonly cache: EngineCache;
  /** Whether the source can send old batches again. */
  readonly canReplay: boolean;
  /** Told once when the engine's blocks, of so many tokens, do not fit the index, so that its events go unused. */
  readonly misfit?: (blockTokens: number) => void;
  /** Told when the engine has emptied its cache, or another engine has come in its place. */
  readonly emptied?: () => void;
}

/**
 * Puts the batches of one publisher in order: duplicates are dropped, gaps repaired by replay, a publisher that counts
 * from the beginning again is a new engine. What cannot be repaired clears the cache: a claim that is missing costs less
 * than one that is wrong. The source asks for a replay when a request is returned, and ends it with `replayEnded` or
 * `replayFailed`.
 */
export interface KvFeed {
  readonly counts: Readonly<KvFeedCounts>;
  /** The source has just begun to listen, or has listened again after a loss. */
  connected(): KvReplayRequest | undefined;
  /** A batch as it was published. */
  receive(batch: KvEventBatch): KvReplayRequest | undefined;
  /** A batch of the replay asked for. */
  replayed(batch: KvEventBatch): void;
  replayEnded(): KvReplayRequest | undefined;
  replayFailed(): void;
  /** Nothing will come any more: the engine's cache is guessed from now on. */
  end(): void;
}

/** Batches kept while a replay runs. */
const MOST_WAITING_BATCHES = 4_096;

/** Creates the feed of one rank of one engine. */
export function createKvFeed(options: KvFeedOptions): KvFeed {
  return new OrderedFeed(options);
}

class OrderedFeed implements KvFeed {
  readonly counts: KvFeedCounts = { batches: 0, duplicates: 0, gaps: 0, repairs: 0, restarts: 0 };
  readonly #cache: EngineCache;
  readonly #canReplay: boolean;
  readonly #misfit: KvFeedOptions["misfit"];
  readonly #emptied: KvFeedOptions["emptied"];
  #saidMisfit = false;
  #last = -1;
  #lastTimestamp = 0;
  #isReplaying = false;
  /** The first batch of the replay has to be the last one known, or the publisher is another one. */
  #verifies = false;
  /** The publisher is another one, or has forgotten what is missing: all it has is wanted. */
  #wantsAll = false;
  #waiting: KvEventBatch[] = [];

  constructor(options: KvFeedOptions) {
    this.#cache = options.cache;
    this.#canReplay = options.canReplay;
    this.#misfit = options.misfit;
    this.#emptied = options.emptied;
    this.#cache.feed = this.counts;
  }

  connected(): KvReplayRequest | undefined {
    if (!this.#canReplay && this.#last >= 0) {
      // Nobody can tell what was missed, nor whether this is the same engine.
      this.#restart();
    }
    return this.#canReplay && !this.#isReplaying ? this.#askReplay() : undefined;
  }

  receive(batch: KvEventBatch): KvReplayRequest | undefined {
    this.counts.batches += 1;
    if (this.#isReplaying) {
      this.#waiting.push(batch);
      if (this.#waiting.length > MOST_WAITING_BATCHES) {
        this.replayFailed();
      }
      return undefined;
    }
    return this.#admit(batch, this.#canReplay);
  }

  replayed(batch: KvEventBatch): void {
    if (!this.#isReplaying) {
      return;
    }
    if (this.#verifies) {
      this.#verifies = false;
      if (batch.sequence === this.#last && batch.timestamp === this.#lastTimestamp) {
        this.counts.repairs += 1;
        return;
      }
      this.#restart();
      this.#wantsAll = batch.sequence > 0;
    }
    if (!this.#wantsAll) {
      this.#admit(batch, false);
    }
  }

  replayEnded(): KvReplayRequest | undefined {
    if (!this.#isReplaying) {
      return undefined;
    }
    if (this.#wantsAll) {
      this.#wantsAll = false;
      return { from: 0 };
    }
    this.#isReplaying = false;
    if (this.#verifies) {
      // It has nothing, not even what was seen last: another publisher.
      this.#verifies = false;
      this.#restart();
    }
    this.#drain();
    return undefined;
  }

  replayFailed(): void {
    if (!this.#isReplaying) {
      return;
    }
    this.#isReplaying = false;
    this.#verifies = false;
    this.#wantsAll = false;
    if (this.#last >= 0) {
      this.#restart();
    }
    this.#drain();
  }

  end(): void {
    this.#isReplaying = false;
    this.#waiting = [];
    this.#last = -1;
    this.#cache.endTelling();
  }

  /** Batches that came during a replay; most were in it. */
  #drain(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const batch of waiting) {
      this.#admit(batch, false);
    }
  }

  #admit(batch: KvEventBatch, mayReplay: boolean): KvReplayRequest | undefined {
    const { sequence, timestamp } = batch;
    if (sequence <= this.#last) {
      if (timestamp <= this.#lastTimestamp) {
        this.counts.duplicates += 1;
        return undefined;
      }
      this.counts.restarts += 1;
      this.#restart();
      this.#emptied?.();
    }
    const isGap = this.#last >= 0 ? sequence > this.#last + 1 : sequence > 0;
    if (isGap && mayReplay) {
      this.counts.gaps += this.#last >= 0 ? 1 : 0;
      this.#waiting.push(batch);
      return this.#askReplay();
    }
    if (isGap && this.#last >= 0) {
      this.counts.gaps += 1;
      this.#restart();
    }
    this.#apply(batch);
    return undefined;
  }

  #askReplay(): KvReplayRequest {
    this.#isReplaying = true;
    this.#verifies = this.#last >= 0;
    return { from: Math.max(0, this.#last) };
  }

  #apply(batch: KvEventBatch): void {
    this.#last = batch.sequence;
    this.#lastTimestamp = batch.timestamp;
    if (batch.events.length > 0) {
      this.#cache.beginTelling(batch.events);
    }
    for (const event of batch.events) {
      this.#cache.apply(event);
      if (event.kind === "cleared") {
        this.#emptied?.();
      }
    }
    if (!this.#saidMisfit && this.#cache.misfitTokens > 0) {
      this.#saidMisfit = true;
      this.#misfit?.(this.#cache.misfitTokens);
    }
  }

  #restart(): void {
    this.#last = -1;
    this.#cache.clear();
  }
}
