/** Request ids in one call of Abort at most. */
const MAX_IDS = 1_000;

/**
 * Gathers the requests that are given up within one turn of the event loop (a client that leaves gives up all of its
 * sequences) and has them aborted by one call. What the call answers is of no interest: the engine also ends work whose
 * call was dropped, only later.
 */
export class AbortBatch {
  readonly #send: (requestIds: readonly string[]) => Promise<void>;
  #ids: string[] = [];

  constructor(send: (requestIds: readonly string[]) => Promise<void>) {
    this.#send = send;
  }

  add(requestId: string): void {
    this.#ids.push(requestId);
    if (this.#ids.length === 1) setImmediate(() => this.#flush());
    else if (this.#ids.length >= MAX_IDS) this.#flush();
  }

  #flush(): void {
    if (this.#ids.length === 0) return;
    const ids = this.#ids;
    this.#ids = [];
    this.#send(ids).catch(() => undefined);
  }
}
