import type { OutgoingHttpHeaders } from "node:http2";
import { EngineError } from "../engine-error.ts";
import { grpcTimeout } from "./grpc-timeout.ts";
import { Http2Call } from "./http2-call.ts";
import { Http2Session } from "./http2-session.ts";
import type { StreamCall, StreamReceiver, StreamRequest, StreamTransport } from "./stream-transport.ts";
import type { TransportOptions } from "./transport-options.ts";
import { TurnQueue } from "./turn-queue.ts";

/**
 * gRPC on node:http2 with its own framing: one connection per engine, opened when it is needed and replaced when it is
 * lost or the engine says goodbye.
 */
export class Http2Transport implements StreamTransport {
  readonly turns: TurnQueue = new TurnQueue();
  readonly #options: TransportOptions;
  readonly #sessions = new Set<Http2Session>();
  #current: Http2Session | undefined;
  #isClosed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  start(request: StreamRequest, receiver: StreamReceiver): StreamCall {
    const call = new Http2Call(receiver, this.#options.maxMessageBytes);
    const { deadlineAtMs } = request;
    const remainingMs = deadlineAtMs === undefined ? undefined : deadlineAtMs - Date.now();
    if (remainingMs !== undefined && remainingMs <= 0) {
      failLater(
        call,
        new EngineError("deadline_exceeded", "the deadline had passed already", { notStarted: true }),
      );
      return call;
    }
    try {
      const session = this.#open();
      const stream = session.request(requestHeaders(request, remainingMs));
      call.attach(session, stream);
      if (deadlineAtMs !== undefined) call.endAt(deadlineAtMs);
      stream.end(request.frame);
    } catch (cause) {
      failLater(
        call,
        cause instanceof EngineError
          ? cause
          : new EngineError("internal", "the call cannot be sent", { cause, notStarted: true }),
      );
    }
    return call;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const reason = new Error("the engine client was closed");
    await Promise.all([...this.#sessions].map(async (session) => session.destroy(reason)));
  }

  #open(): Http2Session {
    if (this.#isClosed) {
      throw new EngineError("unavailable", "the engine client was closed", { notStarted: true });
    }
    const current = this.#current;
    if (current !== undefined && current.isUsable) return current;
    const session = new Http2Session(this.#options, (unusable) => {
      if (this.#current === unusable) this.#current = undefined;
    });
    this.#sessions.add(session);
    session.session.once("close", () => this.#sessions.delete(session));
    this.#current = session;
    return session;
  }
}

function requestHeaders(request: StreamRequest, remainingMs: number | undefined): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    ":method": "POST",
    ":path": request.path,
    te: "trailers",
    "content-type": "application/grpc",
    "user-agent": "vllm-router",
  };
  if (remainingMs !== undefined) headers["grpc-timeout"] = grpcTimeout(remainingMs);
  if (request.metadata !== undefined) Object.assign(headers, request.metadata);
  return headers;
}

function failLater(call: Http2Call, error: EngineError): void {
  process.nextTick(() => call.fail(error));
}
