import { createWriteStream, type WriteStream } from "node:fs";
import type { ExplainedDecision } from "./explained-decision.ts";

/** Hears what a {@link DecisionLog} cannot write. */
export interface DecisionLogListener {
  /** One decision was left out: the disk is slower than the decisions come, or the file is gone. */
  dropped(): void;
  /** The file cannot be written to; told once, nothing is written afterwards. */
  failed(error: Error): void;
}

/** Version of the lines. */
export const DECISION_LOG_VERSION = 1;

/** Most bytes that wait for the disk. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** Appends decisions to a file, one JSON object a line, without ever waiting for the disk. */
export class DecisionLog implements AsyncDisposable {
  readonly #stream: WriteStream;
  readonly #listener: DecisionLogListener;
  #hasFailed = false;

  constructor(path: string, listener: DecisionLogListener) {
    this.#listener = listener;
    this.#stream = createWriteStream(path, { flags: "a" });
    this.#stream.on("error", (error) => {
      if (!this.#hasFailed) {
        this.#hasFailed = true;
        listener.failed(error);
      }
    });
  }

  /** Writes one decision, or tells the listener that it was left out. */
  append(decision: ExplainedDecision): void {
    if (this.#hasFailed || this.#stream.writableLength > MAX_WAITING_BYTES) {
      this.#listener.dropped();
      return;
    }
    this.#stream.write(`${JSON.stringify({ version: DECISION_LOG_VERSION, ...decision })}\n`);
  }

  /** Writes what is still waiting and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasFailed || this.#stream.closed) {
      return;
    }
    await new Promise<void>((resolve) => {
      this.#stream.once("close", () => resolve());
      this.#stream.end();
    });
  }
}
