import type { RouterConfig } from "@vllm-router/config";
import type { AwaitedAnswers } from "./awaited-answers.ts";
import type { SharedMemory } from "./shared-memory.ts";
import { ThreadHandle } from "./thread-handle.ts";
import type { ThreadKnowledge } from "./thread-knowledge.ts";
import type { FromThread, ThreadStart } from "./thread-messages.ts";
import { errorOf, problemOf } from "./thread-problem.ts";

/** What {@link ThreadLauncher} works with. */
export interface ThreadLauncherOptions {
  readonly config: RouterConfig;
  readonly memory: SharedMemory;
  readonly knowledge: ThreadKnowledge;
  readonly answers: AwaitedAnswers;
  /** Settings of a thread that is started now. */
  readonly settings: () => Pick<ThreadStart, "steadyMinusHrtimeMs" | "logLevel">;
  /** A thread was started; it has been told nothing yet. */
  readonly started: (handle: ThreadHandle) => void;
  readonly received: (handle: ThreadHandle, message: FromThread) => void;
  readonly died: (handle: ThreadHandle, error: Error) => void;
}

/** Starts request threads and has them listen, all on one port: the first one takes it. */
export class ThreadLauncher {
  readonly #options: ThreadLauncherOptions;
  #port: number | undefined;

  constructor(options: ThreadLauncherOptions) {
    this.#options = options;
  }

  /** Whether one of them has ever listened. */
  get hasPort(): boolean {
    return this.#port !== undefined;
  }

  /** Starts one thread and tells it of the engines. @throws RouterError with the reason when it does not come up */
  async start(thread: number): Promise<ThreadHandle> {
    const { config, memory, knowledge, answers, settings, started, received, died } = this.#options;
    const isUp = answers.heard(thread, `up`);
    const handle: ThreadHandle = new ThreadHandle(
      { config, thread, memory, ...settings() },
      {
        message: (message) => received(handle, message),
        died: (error) => died(handle, error),
      },
    );
    started(handle);
    for (const message of knowledge.replay()) {
      handle.tell(message);
    }
    const up = await isUp;
    if (up?.kind !== "up") {
      throw errorOf(problemOf(up));
    }
    return handle;
  }

  /** Has a thread listen once it knows everything that the others know. @throws RouterError as a listener does */
  async serve(handle: ThreadHandle): Promise<{ readonly url: string }> {
    const { knowledge, answers } = this.#options;
    const listening = answers.heard(handle.thread, `listening`);
    if (knowledge.fleet !== undefined) {
      handle.tell(knowledge.fleet);
    }
    handle.isServing = true;
    handle.tell({ kind: "listen", port: this.#port });
    const said = await listening;
    if (said?.kind !== "listening") {
      throw errorOf(problemOf(said));
    }
    this.#port = said.port;
    return said;
  }
}
