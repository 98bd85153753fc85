import type { Socket } from "node:net";

/** Hears the body of one request. */
export interface BodyReceiver {
  /** The next bytes; they belong to the receiver. */
  piece(bytes: Uint8Array): void;
  /** The body is complete. */
  end(): void;
  /** The body will never be complete: the client left, or what it sent is no HTTP. Not told after `end`. */
  broken(): void;
}

/** What a client asked: head, and body as it arrives. */
export interface IncomingRequest {
  readonly method: string;
  /** The request's target as it came: path and query, mostly. */
  readonly url: string;
  /** Name, value, name, value …, as received. */
  readonly rawHeaders: readonly string[];
  readonly socket: Socket;
  /** Value of a header by its lower-case name, repeated ones joined as Node does, of `set-cookie` the first; undefined where there is none. */
  header(name: string): string | undefined;
  /**
   * Begins to tell of the body, once only; what came before is told, too. After the client left, `broken` is told at once.
   */
  receive(receiver: BodyReceiver): void;
  /** Holds the client back: at most what is in the system's buffers follows. */
  pause(): void;
  resume(): void;
  /** Nobody wants the body: what arrives is thrown away, so that the client gets to read its answer. */
  discard(): void;
}
