import {
  EngineError,
  unpackKvBatch,
  type ZmqKvListener,
  type ZmqReplayListener,
} from "@vllm-router/engine-client/kv";
import { Worker } from "node:worker_threads";
import type { FromKvThread, KvThreadNews, ToKvThread, ToldError } from "./kv-thread-messages.ts";
import {
  type KvListeningHandle,
  type KvPublisher,
  type KvTransport,
  sameThreadTransport,
} from "./kv-transport.ts";

/** As much of a `Worker` as is needed. */
export interface KvThread {
  postMessage(message: ToKvThread): void;
  on(event: "message", listener: (news: FromKvThread) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "exit", listener: () => void): unknown;
  unref(): void;
  terminate(): Promise<unknown>;
}

/** What {@link ThreadedKvTransport} works with. */
export interface ThreadedKvTransportOptions {
  /** Hears what becomes of the thread, for people. */
  readonly changed: (detail: string) => void;
  /** Starts a thread. Default: a worker thread of `kv-thread.ts`. */
  readonly startThread?: () => KvThread;
  /** Lets other work be done, then goes on. Default `setImmediate`. */
  readonly later?: (action: () => void) => void;
}

/** A thread that died so often in its life is not started again: this thread does its work. */
const MOST_DEATHS = 5;
/** Words of batches that are taken in before other work has its turn: about a thousand blocks, a millisecond or two. */
const WORDS_A_TURN = 20_000;

/** The thread's file has the ending of this one: sources run as they are. */
const THREAD_FILE = import.meta.url.endsWith(".ts") ? "./kv-thread.ts" : "./kv-thread.js";
const SOURCE_CONDITION = ["--conditions=@vllm-router/source"];

interface Listening {
  readonly begin: ToKvThread;
  readonly connected: () => void;
  readonly batch: ZmqReplayListener["batch"];
  readonly malformed: (error: EngineError) => void;
  readonly end: (error: EngineError | undefined) => void;
}

/**
 * Has a thread of its own receive and decode what publishers say, and takes it in on the thread that owns the index, in
 * turns with other work. The thread lives as long as anybody holds a lease. When it dies all listenings end, so that their
 * owners begin again, on a new one; after the fifth death they stay on this thread, and that is said.
 */
export class ThreadedKvTransport implements KvTransport {
  readonly #options: ThreadedKvTransportOptions;
  readonly #listenings = new Map<number, Listening>();
  #thread: KvThread | undefined;
  #leases = 0;
  #deaths = 0;
  #nextId = 0;
  #waiting: KvThreadNews[] = [];
  #taken = 0;
  #isTaking = false;

  constructor(options: ThreadedKvTransportOptions) {
    this.#options = options;
  }

  /** False after the thread has died too often. */
  get isThreaded(): boolean {
    return this.#deaths < MOST_DEATHS;
  }

  lease(): Disposable {
    this.#leases += 1;
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#leases -= 1;
        if (this.#leases === 0) this.#endThread();
      },
    };
  }

  listen(publisher: KvPublisher, listener: ZmqKvListener): KvListeningHandle {
    if (!this.isThreaded) return sameThreadTransport.listen(publisher, listener);
    return this.#begin({
      begin: { kind: "listen", id: this.#nextId, ...publisher },
      connected: () => listener.connected(),
      batch: (batch) => listener.batch(batch),
      malformed: (error) => listener.malformed(error),
      end: (error) => listener.end(error ?? died()),
    });
  }

  replay(
    options: { readonly address: string; readonly from: number },
    listener: ZmqReplayListener,
  ): KvListeningHandle {
    if (!this.isThreaded) return sameThreadTransport.replay(options, listener);
    return this.#begin({
      begin: { kind: "replay", id: this.#nextId, ...options },
      connected: () => undefined,
      batch: (batch) => listener.batch(batch),
      malformed: () => undefined,
      end: (error) => listener.end(error),
    });
  }

  #begin(listening: Listening): KvListeningHandle {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#listenings.set(id, listening);
    this.#openThread().postMessage(listening.begin);
    return {
      stop: () => {
        if (this.#listenings.delete(id)) this.#thread?.postMessage({ kind: "stop", id });
      },
    };
  }

  #openThread(): KvThread {
    if (this.#thread !== undefined) return this.#thread;
    const thread = (this.#options.startThread ?? startThread)();
    thread.unref();
    thread.on("message", (news) => this.#receive(thread, news));
    thread.on("error", (error) => this.#died(thread, error.message));
    thread.on("exit", () => this.#died(thread, "it ended"));
    this.#thread = thread;
    return thread;
  }

  #endThread(): void {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#waiting = [];
    this.#taken = 0;
    void thread?.terminate();
  }

  #died(thread: KvThread, reason: string): void {
    if (thread !== this.#thread) return;
    this.#endThread();
    this.#deaths += 1;
    this.#options.changed(
      this.isThreaded
        ? `the thread that hears KV events has died and is started again: ${reason}`
        : `the thread that hears KV events has died ${MOST_DEATHS} times: they are received beside the requests from now on (${reason})`,
    );
    const listenings = [...this.#listenings.values()];
    this.#listenings.clear();
    for (const listening of listenings) listening.end(died());
  }

  #receive(thread: KvThread, news: FromKvThread): void {
    if (thread !== this.#thread) return;
    this.#waiting = this.#waiting.length === 0 ? [...news] : [...this.#waiting, ...news];
    if (!this.#isTaking) this.#take();
  }

  /** Takes in what waits, for one turn. */
  #take(): void {
    this.#isTaking = false;
    const thread = this.#thread;
    let words = 0;
    let at = 0;
    const waiting = this.#waiting;
    for (; at < waiting.length && words < WORDS_A_TURN; at += 1) {
      const news = waiting[at]!;
      words += news.kind === "batch" ? news.batch.words.length : 0;
      this.#tell(news);
      // It has died or is not needed any more.
      if (this.#thread !== thread) return;
    }
    this.#waiting = waiting.slice(at);
    this.#taken += words;
    if (this.#taken > 0 && (this.#taken >= WORDS_A_TURN || this.#waiting.length === 0)) {
      thread?.postMessage({ kind: "taken", words: this.#taken });
      this.#taken = 0;
    }
    if (this.#waiting.length > 0) {
      this.#isTaking = true;
      (this.#options.later ?? setImmediate)(() => this.#take());
    }
  }

  #tell(news: KvThreadNews): void {
    const listening = this.#listenings.get(news.id);
    if (listening === undefined) return;
    switch (news.kind) {
      case "connected":
        listening.connected();
        return;
      case "batch":
        listening.batch(unpackKvBatch(news.batch));
        return;
      case "malformed":
        listening.malformed(errorOf(news.error));
        return;
      case "end":
        this.#listenings.delete(news.id);
        listening.end(news.error === undefined ? undefined : errorOf(news.error));
    }
  }
}

function errorOf({ code, message }: ToldError): EngineError {
  return new EngineError(code, message);
}

function died(): EngineError {
  return new EngineError("unavailable", "the thread that hears KV events has died");
}

function startThread(): KvThread {
  return new Worker(
    new URL(THREAD_FILE, import.meta.url),
    THREAD_FILE.endsWith(".ts") ? { execArgv: SOURCE_CONDITION } : {},
  );
}
