import type { Socket } from "node:net";
import type { StreamedBody } from "../../engine.ts";
import { EngineError } from "../../engine-error.ts";
import { openSocket } from "../../socket/open-socket.ts";
import { type TurnWriter, writeAtEndOfTurn } from "../../socket/write-turn.ts";
import type { TransportOptions } from "../../transport/transport-options.ts";
import { engineErrorFromHttp } from "../http-error.ts";
import { sendStreamedBody } from "./streamed-body.ts";
import { type ResponseListener, ResponseParser } from "./response-parser.ts";

/** Servers that do not say how long they keep idle connections keep them 5 s (uvicorn). */
const DEFAULT_IDLE_MS = 4_000;
/** Never use a connection right up to the instant at which the server closes it. */
const IDLE_MARGIN_MS = 1_000;
/** Larger bodies are handed to the system as they are, not copied behind the head. */
const COPY_BYTES = 16 * 1024;

/** A request on its way, and who hears its answer. */
export interface HttpExchange extends ResponseListener {
  readonly method: string;
  /** Head as latin1 text. */
  readonly headText: string;
  readonly body: Uint8Array | StreamedBody | undefined;
  /** One read of the socket has been told. */
  readEnded(): void;
  /** The answer is complete; the connection is already free for others. */
  complete(): void;
  /**
   * The connection failed before the answer was complete. `isStale` is true when it had been used before and not a byte
   * of an answer came: the server closed it just when the request was sent.
   */
  failed(error: EngineError, isStale: boolean): void;
}

/** What a connection tells the pool it belongs to. */
export interface HttpConnectionOwner {
  /** The connection can take another request until the instant it says (`performance.now()`). */
  free(connection: HttpConnection, untilMs: number): void;
  /** Once, last. */
  closed(connection: HttpConnection): void;
}

/** One HTTP/1.1 connection: one request at a time, never the next before the answer is complete. */
export class HttpConnection implements TurnWriter {
  readonly #owner: HttpConnectionOwner;
  readonly #socket: Socket;
  #exchange: HttpExchange | undefined;
  #parser: ResponseParser | undefined;
  /** Its request waits for the end of the turn. */
  #isUnwritten = false;
  #isConnected = false;
  #isClosed = false;
  /** Answers that were completed on this connection. */
  #answers = 0;
  #hasReceived = false;
  #isSending = false;
  #isPaused = false;
  /** More came than the answer. */
  #hasRest = false;
  #onDrain: (() => void) | undefined;

  constructor(options: TransportOptions, owner: HttpConnectionOwner) {
    this.#owner = owner;
    this.#socket = openSocket(
      { ...options, protocol: undefined },
      {
        connected: () => {
          this.#isConnected = true;
        },
        read: (bytes, length) => this.#read(bytes, length),
        drained: () => this.#onDrain?.(),
        closed: (failure) => this.#closed(failure),
      },
    );
  }

  /** Sends a request when the turn ends, or its head now when its body is still to come; the connection has to be free. */
  send(exchange: HttpExchange): void {
    this.#exchange = exchange;
    this.#hasReceived = false;
    this.#parser = new ResponseParser(exchange.method, exchange);
    const { body, headText } = exchange;
    if (body === undefined || body instanceof Uint8Array) {
      this.#isUnwritten = true;
      writeAtEndOfTurn(this);
    } else {
      this.#socket.write(headText, "latin1");
      this.#isSending = true;
      void this.#sendStreamed(exchange, body);
    }
  }

  writeNow(): void {
    this.#isUnwritten = false;
    const exchange = this.#exchange;
    // It was given up meanwhile, and the connection with it.
    if (exchange === undefined) return;
    const { body, headText } = exchange;
    if (body instanceof Uint8Array) writeWhole(this.#socket, headText, body);
    else this.#socket.write(headText, "latin1");
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isClosed) this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isClosed) this.#socket.resume();
  }

  /** Closes the connection; its exchange hears nothing more. */
  destroy(): void {
    this.#exchange = undefined;
    this.#socket.destroy();
  }

  /** Closes the connection and fails its exchange. */
  abort(error: EngineError): void {
    const exchange = this.#exchange;
    this.destroy();
    exchange?.failed(error, false);
  }

  async #sendStreamed(exchange: HttpExchange, body: StreamedBody): Promise<void> {
    const isCurrent = (): boolean => this.#exchange === exchange && !this.#isClosed;
    try {
      await sendStreamedBody(body, {
        isOpen: isCurrent,
        write: (bytes) => this.#socket.write(bytes),
        drained: async () =>
          new Promise((resolve) => {
            this.#onDrain = resolve;
          }),
      });
      if (isCurrent()) this.#isSending = false;
    } catch (cause) {
      if (!isCurrent()) return;
      this.destroy();
      exchange.failed(new EngineError("cancelled", "the body of the request broke off", { cause }), false);
    }
  }

  #read(bytes: Buffer, length: number): void {
    const exchange = this.#exchange;
    const parser = this.#parser;
    if (exchange === undefined || parser === undefined || this.#isUnwritten) {
      // Nobody has asked for anything yet: what comes now would be taken for the answer to the next request.
      this.#socket.destroy();
      return;
    }
    this.#hasReceived = true;
    try {
      const end = parser.push(bytes, 0, length);
      this.#hasRest = parser.isDone && end < length;
    } catch (error) {
      this.#fail(exchange, error);
      return;
    }
    // The answer may have been given up meanwhile.
    if (this.#exchange !== exchange) return;
    if (parser.isDone) this.#complete(exchange, parser);
    exchange.readEnded();
  }

  #complete(exchange: HttpExchange, parser: ResponseParser): void {
    const keepsAlive = parser.head?.keepsAlive === true && !this.#hasRest;
    this.#exchange = undefined;
    this.#parser = undefined;
    this.#answers++;
    if (this.#isPaused) this.resume();
    if (keepsAlive && !this.#isSending && !this.#isClosed)
      this.#owner.free(this, performance.now() + idleMs(parser.head?.keepAliveSecs));
    else this.#socket.destroy();
    exchange.complete();
  }

  #fail(exchange: HttpExchange, cause: unknown): void {
    this.destroy();
    exchange.failed(
      cause instanceof EngineError
        ? cause
        : new EngineError("internal", "the receiver of an engine's answer failed", { cause }),
      false,
    );
  }

  #closed(failure: Error | undefined): void {
    this.#isClosed = true;
    this.#onDrain?.();
    const exchange = this.#exchange;
    const parser = this.#parser;
    this.#exchange = undefined;
    this.#owner.closed(this);
    if (exchange === undefined) return;
    if (failure === undefined && parser?.close() === true) {
      exchange.complete();
      exchange.readEnded();
      return;
    }
    const error = this.#isConnected
      ? new EngineError(
          "unavailable",
          `the connection to the engine was lost${failure === undefined ? "" : `: ${failure.message}`}`,
          { cause: failure },
        )
      : new EngineError(
          "unavailable",
          engineErrorFromHttp(failure).message.replace(
            "the connection to the engine was lost",
            "the engine cannot be reached",
          ),
          { cause: failure, notStarted: true },
        );
    exchange.failed(error, this.#answers > 0 && !this.#hasReceived);
  }
}

/** How long a connection is kept for the next request. */
function idleMs(keepAliveSecs: number | undefined): number {
  return keepAliveSecs === undefined ? DEFAULT_IDLE_MS : Math.max(0, keepAliveSecs * 1000 - IDLE_MARGIN_MS);
}

function writeWhole(socket: Socket, head: string, body: Uint8Array): void {
  if (body.length <= COPY_BYTES) {
    const bytes = Buffer.allocUnsafe(head.length + body.length);
    bytes.write(head, "latin1");
    bytes.set(body, head.length);
    socket.write(bytes);
    return;
  }
  socket.cork();
  socket.write(head, "latin1");
  socket.write(body);
  socket.uncork();
}
