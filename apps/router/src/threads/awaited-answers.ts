import type { Timers } from "../fleet/timers.ts";
import type { FromThread, ToThread } from "./thread-messages.ts";

/** A thread that does not answer a question in time is not waited for. */
const QUESTION_TIMEOUT_MS = 2_000;

/** A thread that can be asked. */
export interface AskedThread {
  readonly thread: number;
  tell(message: ToThread): void;
}

/** Who waits for something that a thread is to say. */
export class AwaitedAnswers {
  readonly #timers: Timers;
  readonly #waiting = new Map<string, (message: FromThread | undefined) => void>();
  #questions = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Resolves with what the thread says; undefined when it dies before or time is up. */
  heard(thread: number, what: string, timeoutMs?: number): Promise<FromThread | undefined> {
    const key = keyOf(thread, what);
    return new Promise((resolve) => {
      const cancel =
        timeoutMs === undefined
          ? undefined
          : this.#timers.after(timeoutMs, () => {
              this.#waiting.delete(key);
              resolve(undefined);
            });
      this.#waiting.set(key, (message) => {
        cancel?.();
        resolve(message);
      });
    });
  }

  /**
   * Puts a question of its own number to a thread, which is to answer it with a message of the kind.
   * @returns the answer; undefined when the thread dies before or time is up
   */
  ask(
    thread: AskedThread,
    kind: "metrics" | "echo",
    question: (number: number) => ToThread,
  ): Promise<FromThread | undefined> {
    this.#questions += 1;
    const number = this.#questions;
    const heard = this.heard(thread.thread, `${kind} ${number}`, QUESTION_TIMEOUT_MS);
    thread.tell(question(number));
    return heard;
  }

  /** A thread said something. */
  tell(thread: number, what: string, message: FromThread): void {
    const key = keyOf(thread, what);
    const tell = this.#waiting.get(key);
    this.#waiting.delete(key);
    tell?.(message);
  }

  /** A thread will not say anything any more. */
  giveUp(thread: number): void {
    for (const [key, tell] of this.#waiting) {
      if (key.startsWith(keyOf(thread, ""))) {
        this.#waiting.delete(key);
        tell(undefined);
      }
    }
  }
}

function keyOf(thread: number, what: string): string {
  return `${thread} ${what}`;
}
