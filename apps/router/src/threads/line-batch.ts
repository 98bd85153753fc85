import type { DestinationStream } from "pino";
import type { CancelTimer, Timers } from "../fleet/timers.ts";

/** Characters after which lines are handed over, and the longest they wait. */
const BATCH_CHARACTERS = 8_192;
const WAIT_MS = 100;

/** Gathers log lines of a thread, so that handing them to another one is not paid for every line. */
export class LineBatch implements DestinationStream {
  readonly #timers: Timers;
  readonly #send: (lines: string) => void;
  #lines = "";
  #cancelTimer: CancelTimer | undefined;

  constructor(timers: Timers, send: (lines: string) => void) {
    this.#timers = timers;
    this.#send = send;
  }

  write(line: string): void {
    this.#lines += line;
    if (this.#lines.length >= BATCH_CHARACTERS) {
      this.flush();
    } else {
      this.#cancelTimer ??= this.#timers.after(WAIT_MS, () => this.flush());
    }
  }

  /** Hands over what there is. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#lines !== "") {
      this.#send(this.#lines);
      this.#lines = "";
    }
  }
}
