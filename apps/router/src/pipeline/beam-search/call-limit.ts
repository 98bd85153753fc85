/** Lets so many calls run at once; the others wait for their turn, in order. */
export class CallLimit {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Starts a call now or when others have ended. Every start is paired with one {@link CallLimit.ended}. */
  start(call: () => void): void {
    if (this.#running < this.#limit) {
      this.#running += 1;
      call();
    } else {
      this.#waiting.push(call);
    }
  }

  /** A call has ended. */
  ended(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#running -= 1;
    } else {
      next();
    }
  }

  /** Nobody waits any longer. */
  clear(): void {
    this.#waiting.length = 0;
  }
}
