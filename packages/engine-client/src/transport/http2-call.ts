import type { ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { EngineError } from "../engine-error.ts";
import {
  decodeGrpcMessage,
  engineErrorFromHttpStatus,
  engineErrorFromReset,
  engineErrorFromStatus,
} from "./grpc-error.ts";
import { timerDelay } from "./grpc-timeout.ts";
import type { Http2Session } from "./http2-session.ts";
import { HTTP2_CODE } from "./http2-code.ts";
import { MessageSplitter } from "./message-splitter.ts";
import type { StreamCall, StreamReceiver } from "./stream-transport.ts";

/** One gRPC call on one HTTP/2 stream. */
export class Http2Call implements StreamCall {
  readonly #receiver: StreamReceiver;
  readonly #splitter: MessageSplitter;
  #session: Http2Session | undefined;
  #stream: ClientHttp2Stream | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #isOver = false;
  #isPaused = false;
  #isReleasing = false;
  /** The stream ended well while the receiver was paused. */
  #hasEnded = false;
  /** The engine's verdict: undefined is none yet, null is OK. */
  #status: EngineError | null | undefined;
  #streamError: Error | undefined;

  constructor(receiver: StreamReceiver, maxMessageBytes: number) {
    this.#receiver = receiver;
    this.#splitter = new MessageSplitter(
      (bytes, start, end) => {
        receiver.message(bytes, start, end);
        return !this.#isOver && !this.#isPaused;
      },
      { maxMessageBytes, isBorrowed: false },
    );
  }

  /** Listens to a stream that was just opened. */
  attach(session: Http2Session, stream: ClientHttp2Stream): void {
    this.#session = session;
    this.#stream = stream;
    stream.on("response", this.#onResponse);
    stream.on("data", this.#onData);
    stream.on("trailers", this.#onTrailers);
    stream.on("end", this.#onEnd);
    stream.on("error", this.#onError);
    stream.on("close", this.#onClose);
  }

  /** Fails the call at an instant (milliseconds since the epoch). */
  endAt(deadlineAtMs: number): void {
    this.#deadlineTimer = setTimeout(
      () => this.fail(new EngineError("deadline_exceeded", "the engine did not finish before the deadline")),
      timerDelay(deadlineAtMs - Date.now()),
    );
  }

  /** Ends the call with an error of this side. */
  fail(error: EngineError): void {
    if (this.#isOver) return;
    this.cancel();
    this.#receiver.error(error);
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#deadlineTimer);
    const stream = this.#stream;
    if (stream === undefined || stream.closed) return;
    stream.close(HTTP2_CODE.CANCEL);
    // A stream closes only after its data was read; nobody does that any more.
    stream.resume();
  }

  pause(): void {
    if (this.#isOver || this.#isPaused) return;
    this.#isPaused = true;
    this.#stream?.pause();
  }

  resume(): void {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    process.nextTick(this.#release);
  }

  readonly #release = (): void => {
    this.#isReleasing = false;
    if (this.#isOver || this.#isPaused) return;
    this.#guard(() => {
      if (!this.#splitter.release() || this.#isOver) return;
      if (this.#hasEnded) this.#finish();
      else this.#stream?.resume();
    });
  };

  readonly #onResponse = (headers: IncomingHttpHeaders & { ":status"?: number }): void => {
    if (this.#isOver) return;
    const status = headers[":status"];
    if (status !== 200) {
      this.#status = engineErrorFromHttpStatus(status ?? 0);
      this.#stream?.resume();
    } else if (headers["grpc-status"] !== undefined) this.#status = readStatus(headers);
    else if (!(headers["content-type"] ?? "").startsWith("application/grpc")) {
      this.#status = new EngineError("protocol", "the engine did not answer with gRPC");
    }
  };

  readonly #onData = (bytes: Buffer): void => {
    // A refused answer may have a body; it is of no use.
    if (this.#isOver || this.#status instanceof EngineError) return;
    this.#guard(() => void this.#splitter.push(bytes, 0, bytes.length));
  };

  readonly #onTrailers = (headers: IncomingHttpHeaders): void => {
    if (this.#isOver || this.#status !== undefined) return;
    const status = readStatus(headers);
    this.#status = status;
    // Nobody reads a paused stream, so its end would not be noticed.
    if (this.#isPaused && status instanceof EngineError) this.#finish();
  };

  readonly #onEnd = (): void => {
    if (this.#status !== undefined) this.#finish();
  };

  readonly #onError = (error: Error): void => {
    this.#streamError ??= error;
  };

  readonly #onClose = (): void => {
    this.#finish();
  };

  #finish(): void {
    if (this.#isOver) return;
    // Node ends a paused stream too when it has nothing left to give.
    if (
      this.#status === null &&
      this.#stream?.readableEnded === true &&
      (this.#isPaused || this.#isReleasing)
    ) {
      this.#hasEnded = true;
      return;
    }
    const verdict = this.#verdict();
    this.#isOver = true;
    clearTimeout(this.#deadlineTimer);
    const stream = this.#stream;
    // The engine may answer before it has read the whole request.
    if (stream !== undefined && !stream.closed && !stream.writableFinished) stream.close(HTTP2_CODE.CANCEL);
    if (verdict === null) this.#receiver.end();
    else this.#receiver.error(verdict);
  }

  #verdict(): EngineError | null {
    if (this.#status instanceof EngineError) return this.#status;
    if (this.#status === null && this.#stream?.readableEnded === true) {
      return this.#splitter.isInMessage
        ? new EngineError("protocol", "the engine ended the call in the middle of a message")
        : null;
    }
    const resetCode = this.#stream?.rstCode ?? HTTP2_CODE.NO_ERROR;
    const session = this.#session;
    if (session !== undefined && session.isLost && resetCode !== HTTP2_CODE.REFUSED_STREAM) {
      return session.connectionError(this.#stream?.id, this.#streamError);
    }
    return engineErrorFromReset(resetCode, { cause: this.#streamError });
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.fail(
        error instanceof EngineError
          ? error
          : new EngineError("internal", "the receiver of an engine's messages failed", { cause: error }),
      );
    }
  }
}

function readStatus(headers: IncomingHttpHeaders): EngineError | null | undefined {
  const text = headers["grpc-status"];
  if (text === undefined) return undefined;
  const code = Number(text);
  if (code === 0) return null;
  const message = headers["grpc-message"];
  return engineErrorFromStatus(code, decodeGrpcMessage(typeof message === "string" ? message : ""));
}
