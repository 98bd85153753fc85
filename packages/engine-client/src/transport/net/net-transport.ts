import { EngineError } from "../../engine-error.ts";
import type { StreamCall, StreamReceiver, StreamRequest, StreamTransport } from "../stream-transport.ts";
import type { TransportOptions } from "../transport-options.ts";
import { TurnQueue } from "../turn-queue.ts";
import { type CallHost, NetCall } from "./net-call.ts";
import { type ConnectionOwner, NetConnection } from "./net-connection.ts";
import { RequestHeaders } from "./request-headers.ts";

/** Connections are added when the engine takes no more streams on those there are. */
const MAX_CONNECTIONS = 64;
/** Calls that wait for a free stream; further ones are refused. */
const MAX_WAITING_CALLS = 10_000;
const EMPTY: Buffer = Buffer.alloc(0);

/**
 * gRPC on an HTTP/2 client of our own over node:net and node:tls. One connection as long as the engine takes all streams
 * on it, opened when it is needed and replaced when it is lost or the engine says goodbye.
 */
export class NetTransport implements StreamTransport, ConnectionOwner, CallHost {
  readonly turns: TurnQueue = new TurnQueue();
  streamLimit: number | undefined = undefined;
  readonly #options: TransportOptions;
  readonly #headers: RequestHeaders;
  readonly #connections = new Set<NetConnection>();
  /** In the order in which they came. */
  readonly #waiting = new Set<NetCall>();
  #isClosed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#headers = new RequestHeaders(options);
  }

  start(request: StreamRequest, receiver: StreamReceiver): StreamCall {
    const { deadlineAtMs } = request;
    const remainingMs = deadlineAtMs === undefined ? undefined : deadlineAtMs - Date.now();
    const { maxMessageBytes, streamWindowBytes } = this.#options;
    let block = EMPTY;
    let refusal: EngineError | undefined;
    if (remainingMs !== undefined && remainingMs <= 0) {
      refusal = new EngineError("deadline_exceeded", "the deadline had passed already", { notStarted: true });
    } else if (this.#isClosed) refusal = closed(true);
    else {
      try {
        block = this.#headers.encode(request, remainingMs);
      } catch (error) {
        refusal = error as EngineError;
      }
    }
    const call = new NetCall({
      receiver,
      block,
      body: request.frame,
      maxMessageBytes,
      windowBytes: streamWindowBytes,
    });
    if (refusal === undefined) {
      if (deadlineAtMs !== undefined) call.endAt(deadlineAtMs);
      this.#place(call);
    } else failLater(call, refusal);
    return call;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const call of this.#waiting) call.fail(closed(true));
    const reason = new Error("the engine client was closed");
    await Promise.all([...this.#connections].map(async (connection) => connection.close(reason)));
  }

  roomMade(): void {
    for (const call of this.#waiting) {
      const connection = this.#withRoom();
      if (connection === undefined) return;
      this.#waiting.delete(call);
      connection.open(call);
    }
  }

  startOver(call: NetCall): void {
    this.#place(call);
  }

  isSpare(connection: NetConnection): boolean {
    return [...this.#connections].some((other) => other !== connection && other.hasRoom);
  }

  closed(connection: NetConnection): void {
    this.#connections.delete(connection);
    this.roomMade();
  }

  abandon(call: NetCall): void {
    this.#waiting.delete(call);
  }

  credit(): void {
    // A call that waits has received nothing.
  }

  #place(call: NetCall): void {
    const connection = this.#waiting.size === 0 ? this.#withRoom() : undefined;
    if (connection !== undefined) connection.open(call);
    else if (this.#waiting.size < MAX_WAITING_CALLS) {
      call.host = this;
      this.#waiting.add(call);
    } else {
      const message = "more calls wait for the engine than it has streams for";
      failLater(call, new EngineError("overloaded", message, { notStarted: true }));
    }
  }

  /** A connection that can take a stream, opened if need be; undefined when the call has to wait. */
  #withRoom(): NetConnection | undefined {
    let isStarting = false;
    for (const connection of this.#connections) {
      if (connection.hasRoom) return connection;
      isStarting ||= connection.isStarting;
    }
    if (isStarting || this.#isClosed || this.#connections.size >= MAX_CONNECTIONS) return undefined;
    const connection = new NetConnection(this.#options, this);
    this.#connections.add(connection);
    return connection;
  }
}

function closed(notStarted: boolean): EngineError {
  return new EngineError("unavailable", "the engine client was closed", { notStarted });
}

function failLater(call: NetCall, error: EngineError): void {
  process.nextTick(() => call.fail(error));
}
