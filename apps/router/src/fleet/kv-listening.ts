import {
  type EngineConnection,
  EngineError,
  kvBatchFromGrpc,
  type KvEventBatch,
} from "@vllm-router/engine-client";
import {
  createKvFeed,
  DEFAULT_BLOCK_TOKENS,
  type EngineCaches,
  type KvFeed,
} from "@vllm-router/routing-core";
import type { EngineWatch } from "./engine-watch.ts";
import type { KvAddresses } from "./kv-event-settings.ts";
import { assumedKvAddresses, namedKvAddresses } from "./kv-source-address.ts";
import { KvSourceInquiry } from "./kv-source-inquiry.ts";
import type { KvTransport } from "./kv-thread/kv-transport.ts";
import type { Timers } from "./timers.ts";
import type { Worker } from "./worker.ts";
import { type ZmqKvAddress, ZmqKvSource } from "./zmq-kv-source.ts";

/** What listening takes. */
export interface KvListeningOptions {
  readonly caches: EngineCaches;
  readonly timers: Timers;
  /** Addresses by configuration; a worker without one is asked for its own. */
  readonly addresses: KvAddresses;
  /** Beginning of the topics that are listened to. */
  readonly topic: string;
  /** Where publishers that dial out are waited for; undefined for nowhere. */
  readonly bind: string | undefined;
  /** Carries the messages of ZMQ publishers. */
  readonly transport: KvTransport;
  /** Hears that the engine of a slot has emptied its cache. */
  readonly emptied: (slot: number) => void;
  /** Hears about the sources, for people. */
  readonly changed: (worker: string, detail: string) => void;
}

/**
 * Brings what engines tell of their KV caches to the prefix index: by ZMQ where an address is configured or the engine
 * names one, by the stream that a VllmEngine is subscribed to anyway. Without either, the index guesses.
 */
export class KvListening {
  readonly #options: KvListeningOptions;
  /** Feeds by first slot, for workers that tell by gRPC. */
  readonly #feeds = new Map<number, readonly KvFeed[]>();

  constructor(options: KvListeningOptions) {
    this.#options = options;
  }

  /** Set on every worker when its life begins. */
  readonly watch: EngineWatch = (worker) => {
    const known = this.#options.addresses(worker.id, worker.ranks);
    const life = new AbortController();
    this.#learnBlockSize(worker, life.signal);
    const sources: ZmqKvSource[] = [];
    const begin = (found: readonly ZmqKvAddress[]): void => {
      sources.push(...found.map((address, rank) => this.#listen(worker, rank, address)));
    };
    let inquiry: KvSourceInquiry | undefined;
    if (known.length > 0) {
      begin(known);
    } else if (worker.connection.dialect === "vllm-engine") {
      this.#openFeeds(worker);
    } else {
      inquiry = this.#inquire(worker, begin);
    }
    return {
      [Symbol.dispose]: () => {
        life.abort();
        inquiry?.[Symbol.dispose]();
        sources.forEach((source) => source[Symbol.dispose]());
        if (this.#feeds.has(worker.slot)) {
          this.interrupted(worker);
          this.#feeds.delete(worker.slot);
        }
      },
    };
  };

  /** A batch that came by gRPC. */
  readonly blocks = (worker: Worker, message: KvEventBatch): void => {
    const feed = this.#feeds.get(worker.slot)?.[message.dpRank ?? 0];
    const batch = feed === undefined ? undefined : kvBatchFromGrpc(message);
    if (batch !== undefined) {
      feed?.receive(batch);
    }
  };

  /** The gRPC stream of a worker broke off: what it would have told is lost. */
  readonly interrupted = (worker: Worker): void => {
    for (const feed of this.#feeds.get(worker.slot) ?? []) {
      feed.end();
    }
  };

  #openFeeds(worker: Worker): void {
    this.#feeds.set(
      worker.slot,
      Array.from({ length: worker.ranks }, (_, rank) => this.#feed(worker, rank, false)),
    );
  }

  #feed(worker: Worker, rank: number, canReplay: boolean): KvFeed {
    const { caches, changed } = this.#options;
    return createKvFeed({
      cache: caches.cache(worker.slot + rank),
      canReplay,
      emptied: () => this.#options.emptied(worker.slot + rank),
      misfit: (blockTokens) =>
        changed(
          worker.id,
          `KV events of rank ${rank} are not used: blocks of ${blockTokens} tokens are no multiple of the index's ${DEFAULT_BLOCK_TOKENS}; what it holds is guessed from where prompts went`,
        ),
    });
  }

  /** Asks the engine where it publishes, and begins to listen there. */
  #inquire(worker: Worker, begin: (addresses: readonly ZmqKvAddress[]) => void): KvSourceInquiry {
    const { timers, topic, bind, changed } = this.#options;
    const asked = { url: worker.id, ranks: worker.ranks, topic, bind };
    return new KvSourceInquiry({
      connection: worker.connection,
      timers,
      answered: (sources) => {
        const named = namedKvAddresses(sources, asked);
        if (named.kind === "found") {
          begin(named.addresses);
        } else if (named.kind === "unusable") {
          changed(worker.id, `KV events are not heard: ${named.reason}`);
        } else {
          begin(assumedKvAddresses(asked));
        }
      },
    });
  }

  #listen(worker: Worker, rank: number, address: ZmqKvAddress): ZmqKvSource {
    const { timers, transport, changed } = this.#options;
    let wasHeard: boolean | undefined;
    return new ZmqKvSource({
      address,
      timers,
      transport,
      feed: this.#feed(worker, rank, address.replayEndpoint !== undefined),
      changed: (isHeard, detail) => {
        // Attempts that fail again and again are told once.
        if (isHeard !== wasHeard) {
          wasHeard = isHeard;
          changed(
            worker.id,
            `KV events of rank ${rank}: ${isHeard ? "listening to" : "not heard,"} ${detail}`,
          );
        }
      },
    });
  }

  /** Claims are whole blocks of the engine; gRPC engines say beforehand how large they are. */
  #learnBlockSize(worker: Worker, life: AbortSignal): void {
    const { caches, timers } = this.#options;
    void kvBlockTokens(worker.connection, timers.now()).then((tokens) => {
      // Another worker may have the slots by now.
      for (let rank = 0; rank < worker.ranks && tokens > 0 && !life.aborted; rank += 1) {
        caches.cache(worker.slot + rank).setBlockTokens(tokens);
      }
    });
  }
}

const INFO_TIMEOUT_MS = 5_000;

/** Tokens in a block of the engine's KV cache; 0 when it does not say. */
async function kvBlockTokens(connection: EngineConnection, nowMs: number): Promise<number> {
  if (connection.dialect === "http") {
    return 0;
  }
  try {
    const info = await connection.admin.getServerInfo({ deadlineAtMs: nowMs + INFO_TIMEOUT_MS });
    return info.kvBlockTokens;
  } catch (error) {
    if (error instanceof EngineError) {
      return 0;
    }
    throw error;
  }
}
