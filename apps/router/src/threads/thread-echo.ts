import type { AwaitedAnswers } from "./awaited-answers.ts";
import type { ThreadHandle } from "./thread-handle.ts";

/** A thread that does not echo in time is not waited for. */
const TIMEOUT_MS = 2_000;

/** Asks threads for an echo: what they had said before has arrived when it does. */
export class ThreadEcho {
  readonly #answers: AwaitedAnswers;
  readonly #threads: readonly ThreadHandle[];
  #questions = 0;

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
      asked.map((handle) => {
        this.#questions += 1;
        const question = this.#questions;
        const heard = this.#answers.heard(handle.thread, `echo ${question}`, TIMEOUT_MS);
        handle.tell({ kind: "echo", question });
        return heard;
      }),
    );
  }
}
