import { Worker } from "node:worker_threads";
import type { Stretch, Tokenizer } from "@vllm-router/text";
import type { EncodedElsewhere, LongTexts, TokenizerSource } from "./long-texts.ts";
import type { FromTokenizingThread, ToTokenizingThread } from "./tokenizing-messages.ts";

/** As much of a `Worker` as is needed. */
export interface TokenizingThread {
  postMessage(message: ToTokenizingThread): void;
  on(event: "message", listener: (message: FromTokenizingThread) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "exit", listener: () => void): unknown;
  unref(): void;
  terminate(): Promise<unknown>;
}

/** What {@link TokenizingThreads} works with. */
export interface TokenizingThreadsOptions {
  /** Threads at most. */
  readonly count: number;
  readonly mostUnits: number;
  /** Hears what becomes of the threads, for people. */
  readonly changed: (detail: string) => void;
  /** Starts a thread. Default: a worker thread of `tokenizing-thread.ts`. */
  readonly startThread?: () => TokenizingThread;
}

/** Threads that died so often, all together, are not started again: requests encode for themselves. */
const MOST_DEATHS = 5;
/** Models that a thread has tokenizers of; each takes tens of megabytes. */
const MOST_MODELS = 4;
/** Code units that wait at most; beyond it requests encode for themselves. */
const MOST_WAITING_UNITS = 64 * 1024 * 1024;

/** The thread's file has the ending of this one: sources run as they are. */
const THREAD_FILE = import.meta.url.endsWith(".ts") ? "./tokenizing-thread.ts" : "./tokenizing-thread.js";
const SOURCE_CONDITION = ["--conditions=@vllm-router/source"];

interface Job {
  readonly number: number;
  readonly model: number;
  readonly stretches: readonly Stretch[];
  readonly units: number;
  readonly done: (ids: EncodedElsewhere) => void;
}

/** A thread as its owner sees it. */
interface Handle {
  readonly thread: TokenizingThread;
  /** Models it knows, least recently used first; true once its tokenizer is built. */
  readonly models: Map<number, boolean>;
  /** What it does now. A thread has one job at a time, so that what waits can still be given up. */
  job: Job | undefined;
}

/**
 * A few threads that encode long texts. They are started when the first long text comes, which is not kept waiting: until a
 * thread has built a model's tokenizer, requests encode for themselves, as they do when too much waits or a thread dies.
 */
export class TokenizingThreads implements LongTexts, AsyncDisposable {
  readonly mostUnits: number;
  readonly #options: TokenizingThreadsOptions;
  readonly #numbers = new WeakMap<Tokenizer, number>();
  readonly #handles = new Set<Handle>();
  #waiting: Job[] = [];
  #waitingUnits = 0;
  #nextNumber = 1;
  #deaths = 0;
  #isClosed = false;

  constructor(options: TokenizingThreadsOptions) {
    this.#options = options;
    this.mostUnits = options.mostUnits;
  }

  encode(
    source: TokenizerSource,
    stretches: readonly Stretch[],
    done: (ids: EncodedElsewhere) => void,
  ): () => void {
    const units = stretches.reduce((sum, stretch) => sum + stretch.text.length, 0);
    const model = this.#modelOf(source);
    if (model === undefined || this.#waitingUnits + units > MOST_WAITING_UNITS) {
      let isWanted = true;
      queueMicrotask(() => {
        if (isWanted) {
          done(undefined);
        }
      });
      return () => {
        isWanted = false;
      };
    }
    return this.#enqueue({ number: this.#nextNumber++, model, stretches, units, done });
  }

  /** Ends the threads. What waits is told that nobody encodes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const handles = [...this.#handles];
    this.#handles.clear();
    this.#refuse([...handles.flatMap(({ job }) => job ?? []), ...this.#waiting]);
    await Promise.all(handles.map(({ thread }) => thread.terminate()));
  }

  /** Number of a model that some thread has built; undefined, and building begun, where none has. */
  #modelOf({ tokenizer, tokenizerFiles }: TokenizerSource): number | undefined {
    if (this.#isClosed || this.#deaths >= MOST_DEATHS || tokenizerFiles === undefined) {
      return undefined;
    }
    let model = this.#numbers.get(tokenizer);
    if (model === undefined) {
      model = this.#nextNumber++;
      this.#numbers.set(tokenizer, model);
    }
    while (this.#handles.size < this.#options.count) {
      this.#start();
    }
    let isBuilt = false;
    for (const handle of this.#handles) {
      const state = handle.models.get(model);
      isBuilt ||= state === true;
      // Used again: the last to be forgotten.
      handle.models.delete(model);
      handle.models.set(model, state ?? false);
      if (state === undefined) {
        handle.thread.postMessage({ kind: "model", model, files: tokenizerFiles });
        this.#forgetOldest(handle);
      }
    }
    return isBuilt ? model : undefined;
  }

  #forgetOldest(handle: Handle): void {
    for (const model of [...handle.models.keys()].slice(0, -MOST_MODELS)) {
      handle.models.delete(model);
      handle.thread.postMessage({ kind: "forget", model });
      this.#refuse(this.#waiting.filter((job) => job.model === model && !this.#isBuilt(model)));
    }
  }

  #isBuilt(model: number): boolean {
    return [...this.#handles].some(({ models }) => models.get(model) === true);
  }

  #enqueue(job: Job): () => void {
    this.#waiting.push(job);
    this.#waitingUnits += job.units;
    this.#handOut();
    return () => {
      this.#remove(job);
      for (const handle of this.#handles) {
        if (handle.job === job) {
          // It is done all the same, but nobody is told.
          handle.job = { ...job, done: () => undefined };
        }
      }
    };
  }

  /** Gives what waits, in order, to threads with nothing to do. */
  #handOut(): void {
    for (const handle of this.#handles) {
      const next =
        handle.job === undefined ? this.#waiting.find((job) => handle.models.get(job.model)) : undefined;
      if (next !== undefined) {
        this.#remove(next);
        handle.job = next;
        const { number, model, stretches } = next;
        handle.thread.postMessage({ kind: "encode", job: number, model, stretches });
      }
    }
  }

  #remove(job: Job): void {
    const left = this.#waiting.filter((each) => each !== job);
    if (left.length < this.#waiting.length) {
      this.#waiting = left;
      this.#waitingUnits -= job.units;
    }
  }

  #refuse(jobs: readonly Job[]): void {
    for (const job of jobs) {
      this.#remove(job);
      job.done(undefined);
    }
  }

  #start(): void {
    const thread = (this.#options.startThread ?? startThread)();
    const handle: Handle = { thread, models: new Map(), job: undefined };
    thread.unref();
    thread.on("message", (message) => this.#receive(handle, message));
    thread.on("error", (error) => this.#died(handle, error.message));
    thread.on("exit", () => this.#died(handle, "it ended"));
    this.#handles.add(handle);
  }

  #receive(handle: Handle, message: FromTokenizingThread): void {
    if (!this.#handles.has(handle)) {
      return;
    }
    switch (message.kind) {
      case "ready":
        if (handle.models.has(message.model)) {
          handle.models.set(message.model, true);
        }
        break;
      case "model-failed":
        // Stays there as one that is never built.
        this.#options.changed(`a tokenizing thread cannot build a model's tokenizer: ${message.reason}`);
        break;
      case "encoded":
        this.#settle(handle, splitAt(message.ids, message.ends));
        break;
      case "job-failed":
        this.#options.changed(`a tokenizing thread cannot encode a text: ${message.reason}`);
        this.#settle(handle, undefined);
    }
    this.#handOut();
  }

  #settle(handle: Handle, ids: EncodedElsewhere): void {
    const { job } = handle;
    handle.job = undefined;
    job?.done(ids);
  }

  #died(handle: Handle, reason: string): void {
    if (!this.#handles.delete(handle)) {
      return;
    }
    this.#deaths += 1;
    this.#options.changed(
      this.#deaths < MOST_DEATHS
        ? `a tokenizing thread has died and is started again with the next long text: ${reason}`
        : `tokenizing threads have died ${MOST_DEATHS} times: long texts are encoded beside other requests from now on (${reason})`,
    );
    this.#refuse(handle.job === undefined ? [] : [handle.job]);
    this.#refuse(this.#waiting.filter((job) => !this.#isBuilt(job.model)));
  }
}

function splitAt(ids: Int32Array, ends: readonly number[]): readonly Int32Array[] {
  return ends.map((end, index) => ids.subarray(ends[index - 1] ?? 0, end));
}

function startThread(): TokenizingThread {
  return new Worker(new URL(THREAD_FILE, import.meta.url), {
    name: "tokenizing",
    ...(THREAD_FILE.endsWith(".ts") ? { execArgv: SOURCE_CONDITION } : {}),
  });
}
