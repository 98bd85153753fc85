import type { EngineError } from "../engine-error.ts";
import type { TurnQueue } from "./turn-queue.ts";

/** Bytes in front of every gRPC message: a compression flag and a big-endian length. */
export const GRPC_PREFIX_BYTES = 5;

/** One server-streaming call as a transport needs it. */
export interface StreamRequest {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** The request message with its gRPC prefix. */
  readonly frame: Buffer;
  /** Instant (milliseconds since the epoch) after which the call fails with `deadline_exceeded`. */
  readonly deadlineAtMs: number | undefined;
  /** Sent as headers; lower-case names. */
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

/**
 * Hears one call. A transport never calls it inside `start()`, never after `cancel()`, and calls exactly one of `end` and
 * `error`, exactly once, last. Between `pause()` and `resume()` it hears `error` at most.
 */
export interface StreamReceiver {
  /** One message, in `bytes[start, end)`; valid only during the call. */
  message(bytes: Buffer, start: number, end: number): void;
  /**
   * The transport is in a read and no more of this call is in it: what would be done at the end of the read can be done
   * now. Not every transport says so, and not after every message.
   */
  settle?(): void;
  /** The call ended with status OK. */
  end(): void;
  error(error: EngineError): void;
}

/** Handle of a running call; all methods are idempotent and legal inside the receiver's methods. */
export interface StreamCall {
  cancel(): void;
  pause(): void;
  resume(): void;
}

/** Carries gRPC messages to and from one engine. The only thing a token dialect knows about the network. */
export interface StreamTransport {
  /** Where calls that had output wait for the end of the turn. */
  readonly turns: TurnQueue;
  start(request: StreamRequest, receiver: StreamReceiver): StreamCall;
  /** Fails running calls with `unavailable` and gives up all resources; resolves when nothing is left. */
  close(): Promise<void>;
}
