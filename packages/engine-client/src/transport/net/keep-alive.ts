/** What a {@link KeepAlive} does and finds out. */
export interface KeepAliveListener {
  /** Send a ping. */
  ping(): void;
  /** Nothing was heard of the peer for a whole interval after a ping. */
  dead(): void;
}

/** Finds connections that have gone silent: a ping per interval, whose answer, or anything else, has to come within the next. */
export class KeepAlive {
  readonly #listener: KeepAliveListener;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isWaiting = false;

  constructor(intervalMs: number, listener: KeepAliveListener) {
    this.#intervalMs = intervalMs;
    this.#listener = listener;
  }

  /** Begins; the timer does not keep the process alive. */
  start(): void {
    this.#timer = setInterval(() => this.#tick(), this.#intervalMs).unref();
  }

  /** Bytes came from the peer. */
  heard(): void {
    this.#isWaiting = false;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    if (this.#isWaiting) {
      this.stop();
      this.#listener.dead();
      return;
    }
    this.#isWaiting = true;
    this.#listener.ping();
  }
}
