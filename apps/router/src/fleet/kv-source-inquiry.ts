import { type EngineConnection, EngineError, type KvEventSource } from "@vllm-router/engine-client";
import type { CancelTimer, Timers } from "./timers.ts";

/** What an inquiry works with. */
export interface KvSourceInquiryOptions {
  readonly connection: EngineConnection;
  readonly timers: Timers;
  /** The engine's answer; empty where it publishes nothing or does not know the question. Called once at most. */
  readonly answered: (sources: readonly KvEventSource[]) => void;
}

const ANSWER_TIMEOUT_MS = 5_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Asks an engine where it publishes its KV events, again and again until it answers or this is disposed of. Engines of
 * VllmEngine are not asked: their one stream tells.
 */
export class KvSourceInquiry implements Disposable {
  readonly #options: KvSourceInquiryOptions;
  readonly #ending = new AbortController();
  #cancelPause: CancelTimer | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(options: KvSourceInquiryOptions) {
    this.#options = options;
    void this.#ask();
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
    this.#cancelPause?.();
  }

  async #ask(): Promise<void> {
    const { connection, timers, answered } = this.#options;
    if (connection.dialect === "vllm-engine") {
      return;
    }
    const { signal } = this.#ending;
    let sources: readonly KvEventSource[] = [];
    try {
      sources = await connection.admin.getKvEventSources({
        deadlineAtMs: timers.now() + ANSWER_TIMEOUT_MS,
        signal,
      });
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (error instanceof EngineError && MAY_ANSWER_LATER.has(error.code)) {
        this.#cancelPause = timers.after(this.#pauseMs, () => void this.#ask());
        this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
        return;
      }
    }
    if (!signal.aborted) {
      answered(sources);
    }
  }
}

/** Everything else says that the engine does not know the question. */
const MAY_ANSWER_LATER: ReadonlySet<string> = new Set(["unavailable", "deadline_exceeded"]);
