import {
  EngineError,
  type KvBatch,
  packKvBatch,
  replayZmqKvEvents,
  type ZmqKvListener,
  type ZmqListening,
  type ZmqReplayListener,
} from "@vllm-router/engine-client/kv";
import {
  type FromKvThread,
  type KvThreadNews,
  MOST_WORDS_ON_THE_WAY,
  type ToKvThread,
  type ToldError,
} from "./kv-thread-messages.ts";
import { createPublisherListening } from "./kv-transport.ts";

/** What the thread's half works with. */
export interface KvSocketsOptions {
  /** Hands news to the owner, with the buffers that go along. */
  readonly tell: (news: FromKvThread, transfer: readonly ArrayBuffer[]) => void;
  /** Words on the way at most. Default {@link MOST_WORDS_ON_THE_WAY}. */
  readonly mostWords?: number;
}

/**
 * The thread's half: owns the sockets, decodes, and tells what came in one turn in one message. What the owner has not
 * taken in is bounded: beyond the bound no socket is read, so that publishers keep or lose what comes, and what is lost is
 * a gap in their numbers, which the owner has replayed.
 */
export class KvSockets {
  readonly #options: KvSocketsOptions;
  readonly #listenings = new Map<number, ZmqListening>();
  readonly #listenToPublisher = createPublisherListening();
  readonly #mostWords: number;
  #news: KvThreadNews[] = [];
  #wordsOnTheWay = 0;
  #isPaused = false;

  constructor(options: KvSocketsOptions) {
    this.#options = options;
    this.#mostWords = options.mostWords ?? MOST_WORDS_ON_THE_WAY;
  }

  /** True while the owner has too much to take in. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  receive(message: ToKvThread): void {
    switch (message.kind) {
      case "listen":
      case "replay":
        this.#begin(message);
        return;
      case "stop":
        this.#listenings.get(message.id)?.stop();
        this.#listenings.delete(message.id);
        return;
      case "taken":
        this.#wordsOnTheWay -= message.words;
        if (this.#isPaused && this.#wordsOnTheWay <= this.#mostWords / 2) {
          this.#isPaused = false;
          this.#listenings.forEach((listening) => listening.resume());
        }
    }
  }

  #begin(message: Extract<ToKvThread, { readonly kind: "listen" | "replay" }>): void {
    const { id } = message;
    const listener = {
      connected: () => this.#add({ kind: "connected", id }),
      batch: (batch: KvBatch) => this.#add({ kind: "batch", id, batch: packKvBatch(batch) }),
      malformed: (error: EngineError) => this.#add({ kind: "malformed", id, error: toldError(error) }),
      end: (error: EngineError | undefined) => this.#end(id, error),
    };
    try {
      const listening = this.#open(message, listener);
      this.#listenings.set(id, listening);
      if (this.#isPaused) listening.pause();
    } catch (error) {
      this.#end(id, error);
    }
  }

  #open(
    message: Extract<ToKvThread, { readonly kind: "listen" | "replay" }>,
    listener: ZmqKvListener & ZmqReplayListener,
  ): ZmqListening {
    return message.kind === "replay"
      ? replayZmqKvEvents(message, listener)
      : this.#listenToPublisher(message, listener);
  }

  #end(id: number, error: unknown): void {
    this.#listenings.delete(id);
    this.#add({ kind: "end", id, error: error === undefined ? undefined : toldError(error) });
  }

  #add(news: KvThreadNews): void {
    if (this.#news.push(news) === 1) {
      setImmediate(() => this.#tell());
    }
    if (news.kind === "batch") {
      this.#wordsOnTheWay += news.batch.words.length;
      if (!this.#isPaused && this.#wordsOnTheWay > this.#mostWords) {
        this.#isPaused = true;
        this.#listenings.forEach((listening) => listening.pause());
      }
    }
  }

  #tell(): void {
    const news = this.#news;
    this.#news = [];
    this.#options.tell(
      news,
      news.flatMap((each) => (each.kind === "batch" ? [each.batch.words.buffer] : [])),
    );
  }
}

function toldError(error: unknown): ToldError {
  return error instanceof EngineError
    ? { code: error.code, message: error.message }
    : { code: "internal", message: String(error) };
}
