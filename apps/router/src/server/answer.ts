import type { WholeChunks } from "@vllm-router/engine-client";
import type { Socket } from "node:net";

/** Hears how an answer fares. */
export interface AnswerListener {
  /** The client took everything, after a write said that it did not. */
  drained(): void;
  /** Once, last. @param outcome `sent` when all of it is with the system, `cut` by {@link Answer.destroy}, else `gone`: the client left */
  closed(outcome: "sent" | "cut" | "gone"): void;
}

/** The one answer to a request, on its way to the client. Calls after its end do nothing. */
export interface Answer {
  /** Status of the head; 200 before there is one. */
  readonly status: number;
  /** Who hears; to be set before anything is written. */
  listen(listener: AnswerListener): void;
  /** A header that is sent with the head. */
  setHeader(name: string, value: string): void;
  /** The head of a body that follows in pieces, as name, value, name, value …; it leaves with the first piece, or at {@link flushHead}. */
  begin(status: number, headers: readonly string[]): void;
  /** Sends the head without waiting for the body. */
  flushHead(): void;
  /** Writes text of `sizeBytes` in UTF-8. @returns false when the socket is full */
  writeText(text: string, sizeBytes: number): boolean;
  /**
   * Writes bytes, which may be overwritten afterwards. They leave at {@link flush}, or at once when the socket is full.
   * @returns false when the socket is full
   */
  writeBytes(bytes: Uint8Array): boolean;
  /** True once a head has been said whose body leaves in chunks of this answer's own making. */
  readonly passesChunks: boolean;
  /** Writes chunks that are framed already; as {@link writeBytes}. Only where {@link passesChunks}. */
  writeChunks(chunks: WholeChunks): boolean;
  /** Lets go what {@link writeBytes} and {@link writeChunks} were given. */
  flush(): void;
  /** Ends the body, with a last piece of text where there is one. */
  end(text: string, sizeBytes: number): void;
  /** Head and body in one; the length is added to the headers. */
  sendWhole(status: number, headers: readonly string[], body: string | Uint8Array): void;
  /** Cuts the connection. */
  destroy(): void;
  /** Accepts another protocol with the head given, and hands over the socket. */
  switchProtocols(head: { readonly status: number; readonly headers: readonly string[] }): Socket;
}
