import { EngineError } from "../../engine-error.ts";
import type { GenerateCall, ProxyHead, ProxyRequest, ProxySink, WholeChunks } from "../../engine.ts";
import { timerDelay } from "../../transport/grpc-timeout.ts";
import { HeldBytes } from "../../transport/held-bytes.ts";
import { responseHeadersToForward } from "../hop-by-hop.ts";
import type { HttpExchange } from "./http-connection.ts";
import type { HttpConnectionPool, RunningExchange } from "./http-connection-pool.ts";
import type { ResponseHead } from "./response-head.ts";

/** What a call is made from. */
export interface NetForwardOptions {
  readonly request: ProxyRequest;
  /** Head of the request as latin1 text. */
  readonly headText: string;
  readonly pool: HttpConnectionPool;
  readonly sink: ProxySink;
}

/** One proxied request: turns what its connection reads into calls of the sink, with the rules of {@link ProxySink}. */
export class NetForwardCall implements GenerateCall, HttpExchange {
  readonly method: string;
  readonly headText: string;
  readonly body: ProxyRequest["body"];
  readonly #options: NetForwardOptions;
  readonly #sink: ProxySink;
  #running: RunningExchange | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #isOver = false;
  #isPaused = false;
  #isReleasing = false;
  #isRetried = false;
  #needsFlush = false;
  #hasEnded = false;
  /** Arrived while the sink was paused: a head, and the rest of one read. */
  #heldHead: ProxyHead | undefined;
  #held: HeldBytes | undefined;

  constructor(options: NetForwardOptions) {
    const { request } = options;
    this.method = request.method;
    this.body = request.body;
    this.headText = options.headText;
    this.#options = options;
    this.#sink = options.sink;
  }

  /** Sends the request. Throws an EngineError when there can be no connection for it. */
  start(): void {
    const { deadlineAtMs } = this.#options.request;
    if (deadlineAtMs !== undefined) {
      this.#deadlineTimer = setTimeout(
        () =>
          this.fail(new EngineError("deadline_exceeded", "the engine did not finish before the deadline")),
        timerDelay(deadlineAtMs - Date.now()),
      );
    }
    this.#running = this.#options.pool.send(this);
  }

  /** Ends the call with an error of this side. */
  fail(error: EngineError): void {
    if (this.#isOver) return;
    const running = this.#running;
    this.#fail(error);
    running?.destroy();
  }

  cancel(): void {
    if (this.#isOver) return;
    const running = this.#running;
    this.#settle();
    running?.destroy();
  }

  pause(): void {
    if (this.#isOver || this.#isPaused) return;
    this.#isPaused = true;
    this.#running?.pause();
  }

  resume(): void {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    process.nextTick(this.#release);
  }

  head(head: ResponseHead): void {
    if (this.#isOver) return;
    const told = { status: head.status, headers: responseHeadersToForward(head.headers) };
    if (this.#isHolding) this.#heldHead = told;
    else this.#tellHead(told);
  }

  bytes(bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) return;
    if (this.#isHolding) (this.#held ??= new HeldBytes()).append(bytes, start, end);
    else this.#tellBytes(bytes.subarray(start, end));
  }

  /** What a paused sink has to wait for is kept without its framing. */
  get takesChunks(): boolean {
    return !this.#isOver && !this.#isHolding && this.#sink.takesChunks === true;
  }

  chunks(chunks: WholeChunks): void {
    this.#needsFlush = true;
    this.#sink.chunks?.(chunks);
  }

  readEnded(): void {
    if (this.#isOver || this.#isHolding) return;
    if (this.#needsFlush && !this.#flush()) return;
    if (!this.#hasEnded || this.#isPaused) return;
    this.#settle();
    this.#sink.end();
  }

  complete(): void {
    this.#running = undefined;
    this.#hasEnded = true;
  }

  failed(error: EngineError, isStale: boolean): void {
    this.#running = undefined;
    if (this.#isOver) return;
    const isReplayable = this.body === undefined || this.body instanceof Uint8Array;
    if (!isStale || !isReplayable || this.#isRetried) {
      this.#fail(error);
      return;
    }
    this.#isRetried = true;
    try {
      this.#running = this.#options.pool.sendFresh(this);
      if (this.#isPaused) this.#running.pause();
    } catch (refusal) {
      this.#fail(refusal instanceof EngineError ? refusal : error);
    }
  }

  get #isHolding(): boolean {
    return this.#isPaused || this.#isReleasing;
  }

  readonly #release = (): void => {
    this.#isReleasing = false;
    try {
      this.#tellHeld();
    } catch (cause) {
      this.fail(new EngineError("internal", "the receiver of an engine's answer failed", { cause }));
    }
    if (this.#isOver || this.#isPaused) return;
    this.#running?.resume();
    this.readEnded();
  };

  #tellHeld(): void {
    if (this.#isOver || this.#isPaused) return;
    const head = this.#heldHead;
    this.#heldHead = undefined;
    if (head !== undefined) this.#tellHead(head);
    while (!this.#isOver && !this.#isPaused) {
      const bytes = this.#held?.shift();
      if (bytes === undefined) return;
      this.#tellBytes(bytes);
    }
  }

  #tellHead(head: ProxyHead): void {
    this.#needsFlush = true;
    this.#sink.head(head);
  }

  #tellBytes(bytes: Buffer): void {
    this.#needsFlush = true;
    this.#sink.data(bytes);
  }

  /** @returns false when the call is over */
  #flush(): boolean {
    this.#needsFlush = false;
    try {
      this.#sink.flush();
    } catch (cause) {
      this.fail(new EngineError("internal", "the receiver of an engine's answer failed", { cause }));
    }
    return !this.#isOver;
  }

  #fail(error: EngineError): void {
    if (this.#isOver) return;
    if (this.#needsFlush && !this.#isHolding && !this.#flush()) return;
    this.#settle();
    this.#sink.error(error);
  }

  #settle(): void {
    this.#isOver = true;
    this.#running = undefined;
    this.#held = undefined;
    this.#heldHead = undefined;
    clearTimeout(this.#deadlineTimer);
  }
}
