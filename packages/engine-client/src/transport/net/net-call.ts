import { EngineError } from "../../engine-error.ts";
import {
  decodeGrpcMessage,
  engineErrorFromHttpStatus,
  engineErrorFromReset,
  engineErrorFromStatus,
} from "../grpc-error.ts";
import { timerDelay } from "../grpc-timeout.ts";
import { MessageSplitter, wholeMessageEnd } from "../message-splitter.ts";
import { GRPC_PREFIX_BYTES, type StreamCall, type StreamReceiver } from "../stream-transport.ts";
import type { AnswerHead } from "./answer-head.ts";
import type { PayloadRange } from "./payload-range.ts";

/** Where a call is: on a connection, or waiting for one. */
export interface CallHost {
  /** The call is over on this side; whatever is left of it on the other side is to be ended. */
  abandon(call: NetCall): void;
  /** The engine may send so many more bytes of the call. */
  credit(call: NetCall, sizeBytes: number): void;
}

/** What a call is made from. */
export interface NetCallOptions {
  readonly receiver: StreamReceiver;
  /** Header block and body of the request. */
  readonly block: Buffer;
  readonly body: Buffer;
  readonly maxMessageBytes: number;
  /** Bytes that the engine may send before any of them is credited. */
  readonly windowBytes: number;
}

/** One gRPC call on a connection of ours. */
export class NetCall implements StreamCall {
  /** Stream on the connection; 0 while the call waits for one. */
  streamId = 0;
  /** Where it is now; undefined before it was placed. */
  host: CallHost | undefined;
  readonly #receiver: StreamReceiver;
  readonly #maxMessageBytes: number;
  /** There while a message is incomplete or something is held back, which is seldom: a token comes whole. */
  #splitter: MessageSplitter | undefined;
  readonly #windowBytes: number;
  /** What to send; forgotten when the engine has begun to answer. */
  #request: { readonly block: Buffer; readonly body: Buffer } | undefined;
  /** Bytes received that the engine was not given credit for yet. */
  #uncreditedBytes = 0;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #isOver = false;
  #isPaused = false;
  #isReleasing = false;
  #isRestarted = false;
  /** The stream ended well while the receiver was paused. */
  #hasEnded = false;
  /** The engine's verdict: undefined is none yet, null is OK. */
  #status: EngineError | null | undefined;

  constructor(options: NetCallOptions) {
    const { receiver, maxMessageBytes } = options;
    this.#receiver = receiver;
    this.#request = options;
    this.#windowBytes = options.windowBytes;
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** What to send; undefined once the engine has begun to answer, or the call is over. */
  get request(): { readonly block: Buffer; readonly body: Buffer } | undefined {
    return this.#request;
  }

  /** Fails the call at an instant (milliseconds since the epoch). */
  endAt(deadlineAtMs: number): void {
    this.#deadlineTimer = setTimeout(
      () => this.fail(new EngineError("deadline_exceeded", "the engine did not finish before the deadline")),
      timerDelay(deadlineAtMs - Date.now()),
    );
  }

  /** Marks that the engine never looked at the call and it starts over. @returns false when that is no longer possible */
  restart(): boolean {
    if (this.#isOver || this.#isRestarted || this.#request === undefined) return false;
    this.#isRestarted = true;
    this.host = undefined;
    this.streamId = 0;
    return true;
  }

  /** Ends the call with an error of this side. */
  fail(error: EngineError): void {
    if (this.#isOver) return;
    this.cancel();
    this.#receiver.error(error);
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#leave();
    this.host?.abandon(this);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    process.nextTick(this.#release);
  }

  /** The engine sent a block of headers: the head of its answer, or trailers. */
  headers(head: AnswerHead, isEnd: boolean): void {
    if (this.#isOver) return;
    if (this.#status === undefined && head.httpStatus !== 0) {
      // Interim answers say nothing.
      if (head.httpStatus < 200 && !isEnd) return;
      this.#request = undefined;
      if (head.httpStatus !== 200) this.fail(engineErrorFromHttpStatus(head.httpStatus));
      else if (head.grpcStatus === undefined && !head.contentType.startsWith("application/grpc")) {
        this.fail(new EngineError("protocol", "the engine did not answer with gRPC"));
      }
    }
    if (!this.#isOver && head.grpcStatus !== undefined) this.#status ??= readStatus(head);
  }

  /** The engine sent `flowBytes` of data, of which `bytes[start, end)` is content. Throws an EngineError `protocol` when it was not allowed to. */
  data(bytes: Buffer, range: PayloadRange, flowBytes: number): void {
    if (this.#isOver) return;
    this.#uncreditedBytes += flowBytes;
    if (this.#uncreditedBytes > this.#windowBytes) {
      throw new EngineError("protocol", "the engine sent more than the window of a stream");
    }
    if (this.#request !== undefined) {
      this.fail(new EngineError("protocol", "the engine sent data before the head of its answer"));
      return;
    }
    try {
      if (this.#isPaused || this.#isReleasing) this.#split().hold(bytes, range.start, range.end);
      else if (this.#take(bytes, range.start, range.end)) this.#credit();
    } catch (error) {
      this.#broken(error);
    }
  }

  /** Nothing more of the call is in what was read. */
  settle(): void {
    if (!this.#isOver) this.#receiver.settle?.();
  }

  /** The engine ended its side of the stream. */
  ended(): void {
    if (this.#isOver) return;
    if (this.#status === null && (this.#isPaused || this.#isReleasing || this.#splitter?.isHolding === true))
      this.#hasEnded = true;
    else this.#finish();
  }

  /** The engine reset the stream. */
  reset(code: number): void {
    if (this.#isOver) return;
    const error = this.#status ?? engineErrorFromReset(code);
    this.#leave();
    this.#receiver.error(error);
  }

  /** The call cannot go on, and there is nothing left to be ended. */
  lost(error: EngineError): void {
    if (this.#isOver) return;
    this.#leave();
    this.#receiver.error(error);
  }

  readonly #release = (): void => {
    this.#isReleasing = false;
    if (this.#isOver || this.#isPaused) return;
    try {
      if (this.#splitter?.release() === false || this.#isOver) return;
      if (this.#hasEnded) this.#finish();
      else this.#credit();
    } catch (error) {
      this.#broken(error);
    }
  };

  /** Hands on what is complete in `bytes[start, end)`. @returns false when the receiver wants nothing more for now */
  #take(bytes: Buffer, start: number, end: number): boolean {
    let position = start;
    if (this.#splitter === undefined) {
      while (position < end && !this.#isPaused) {
        const next = wholeMessageEnd(bytes, { start: position, end }, this.#maxMessageBytes);
        if (next === 0) break;
        this.#receiver.message(bytes, position + GRPC_PREFIX_BYTES, next);
        if (this.#isOver) return false;
        position = next;
      }
      if (position === end) return !this.#isPaused;
    }
    const splitter = this.#split();
    if (this.#isPaused) {
      splitter.hold(bytes, position, end);
      return false;
    }
    const goesOn = splitter.push(bytes, position, end);
    if (!splitter.isInMessage && !splitter.isHolding) this.#splitter = undefined;
    return goesOn;
  }

  #split(): MessageSplitter {
    return (this.#splitter ??= new MessageSplitter(
      (bytes, start, end) => {
        this.#receiver.message(bytes, start, end);
        return !this.#isOver && !this.#isPaused;
      },
      { maxMessageBytes: this.#maxMessageBytes, isBorrowed: true },
    ));
  }

  /** Everything that came was used: lets the engine send as much again, in steps of half a window. */
  #credit(): void {
    if (this.#uncreditedBytes * 2 < this.#windowBytes) return;
    this.host?.credit(this, this.#uncreditedBytes);
    this.#uncreditedBytes = 0;
  }

  #finish(): void {
    const verdict = this.#verdict();
    this.#leave();
    if (verdict === null) this.#receiver.end();
    else this.#receiver.error(verdict);
  }

  #verdict(): EngineError | null {
    if (this.#status === undefined) return engineErrorFromReset(0);
    if (this.#status === null && this.#splitter?.isInMessage === true) {
      return new EngineError("protocol", "the engine ended the call in the middle of a message");
    }
    return this.#status;
  }

  #broken(error: unknown): void {
    this.fail(
      error instanceof EngineError
        ? error
        : new EngineError("internal", "the receiver of an engine's messages failed", { cause: error }),
    );
  }

  #leave(): void {
    this.#isOver = true;
    this.#request = undefined;
    clearTimeout(this.#deadlineTimer);
  }
}

function readStatus(head: AnswerHead): EngineError | null {
  if (head.grpcStatus === "0") return null;
  const code = Number(head.grpcStatus);
  return code === 0 ? null : engineErrorFromStatus(code, decodeGrpcMessage(head.grpcMessage));
}
