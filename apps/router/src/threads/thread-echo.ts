import type { AwaitedAnswers } from "./awaited-answers.ts";
import type { ThreadHandle } from "./thread-handle.ts";

/** Asks threads for an echo: what they had said before has arrived when it does. */
export class ThreadEcho {
  readonly #answers: AwaitedAnswers;
  readonly #threads: readonly ThreadHandle[];

  constructor(answers: AwaitedAnswers, threads: readonly ThreadHandle[]) {
    this.#answers = answers;
    this.#threads = threads;
  }

  /** Resolves with the echo of one thread, or of all that serve. */
  async of(thread?: number): Promise<void> {
    const asked = this.#threads.filter(
      (handle) => handle.isServing && (thread === undefined || handle.thread === thread),
    );
    await Promise.all(
      asked.map((handle) => this.#answers.ask(handle, "echo", (question) => ({ kind: "echo", question }))),
    );
  }
}
