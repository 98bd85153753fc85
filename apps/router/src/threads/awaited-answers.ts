import type { Timers } from "../fleet/timers.ts";
import type { FromThread } from "./thread-messages.ts";

/** Who waits for something that a thread is to say. */
export class AwaitedAnswers {
  readonly #timers: Timers;
  readonly #waiting = new Map<string, (message: FromThread | undefined) => void>();

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
