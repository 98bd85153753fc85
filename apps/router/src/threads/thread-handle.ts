import { Worker } from "node:worker_threads";
import type { FromThread, ThreadStart, ToThread } from "./thread-messages.ts";

const THREAD_FILE = import.meta.url.endsWith(".ts") ? "./request-thread.ts" : "./request-thread.js";
/** Sources find those of the other packages; what is built finds what is built. */
const SOURCE_CONDITION = ["--conditions=@vllm-router/source"];

/** One request thread as the fleet's thread holds it. */
export class ThreadHandle {
  readonly thread: number;
  /** Whether it has been told everything and serves. */
  isServing = false;
  /** Version of the fleet it has seen last. */
  seenVersion = -1;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;

  constructor(
    start: ThreadStart,
    on: { readonly message: (message: FromThread) => void; readonly died: (error: Error) => void },
  ) {
    this.thread = start.thread;
    this.#worker = new Worker(new URL(THREAD_FILE, import.meta.url), {
      workerData: start,
      name: `requests-${start.thread}`,
      ...(THREAD_FILE.endsWith(".ts") ? { execArgv: SOURCE_CONDITION } : {}),
    });
    let cause: Error | undefined;
    this.#worker.on("message", on.message);
    this.#worker.on("error", (error) => {
      cause = error instanceof Error ? error : new Error(String(error));
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        on.died(cause ?? new Error(`it ended with code ${code}`));
        resolve();
      });
    });
  }

  tell(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** Ends it at once. Resolves when it is gone. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
    await this.#ended;
  }
}
