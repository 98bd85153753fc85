import type { WholeChunks } from "@vllm-router/engine-client";
import type { Socket } from "node:net";
import type { Answer, AnswerListener } from "../answer.ts";
import {
  closingLines,
  framingOf,
  hasBody,
  headerLines,
  type Persistence,
  statusLine,
} from "./answer-head.ts";
import { chunkHead } from "./chunk-head.ts";
import type { SocketWriter } from "./socket-writer.ts";

/** The connection that carries an answer. */
export interface AnswerCarrier {
  /** Writes to the socket. */
  readonly writer: SocketWriter;
  /** What becomes of the connection after the answer whose head is being written. */
  persistence(): Persistence;
  /** To be called once everything of the answer is with the system. */
  readonly answerWritten: (error?: Error | null) => void;
  /** Hands the socket over to another protocol. */
  release(answer: NetAnswer): Socket;
}

/** Larger pieces are given to the system as they are, not copied into one with their framing. */
const COPY_BYTES = 16 * 1024;
/** Neither text in other encodings nor the head's own: then a head and its body's text cannot be one string. */
// oxlint-disable-next-line no-control-regex -- ASCII is what is meant
const NOT_ASCII = /[^\u0000-\u007f]/;

/**
 * One answer on a connection of {@link NetConnection}. Whatever is said in one go leaves as one string: the head with the
 * first chunk, the last chunk with the end.
 */
export class NetAnswer implements Answer {
  readonly #carrier: AnswerCarrier;
  /** The carrier's, asked for every token. */
  readonly #writer: SocketWriter;
  readonly #method: string;
  readonly #takesChunks: boolean;
  #listener: AnswerListener | undefined;
  #ownHeaders: string[] | undefined;
  #status = 200;
  /** Head or chunks as latin1 text, not written yet. */
  #waiting = "";
  #hasHead = false;
  #isChunked = false;
  #hasBody = true;
  /** Bytes that the head promised and that have not come. */
  #leftBytes: number | undefined;
  #hasEnded = false;
  #isClosed = false;
  #isFull = false;

  constructor(carrier: AnswerCarrier, request: { readonly method: string; readonly minorVersion: 0 | 1 }) {
    this.#carrier = carrier;
    this.#writer = carrier.writer;
    this.#method = request.method;
    this.#takesChunks = request.minorVersion === 1;
  }

  get status(): number {
    return this.#status;
  }

  /** A head has been made, though it may not have left. */
  get hasHead(): boolean {
    return this.#hasHead;
  }

  listen(listener: AnswerListener): void {
    this.#listener = listener;
  }

  setHeader(name: string, value: string): void {
    (this.#ownHeaders ??= []).push(name, value);
  }

  begin(status: number, headers: readonly string[]): void {
    if (!this.#isOver()) {
      const { lengthBytes, hasDate } = framingOf(headers);
      this.#hasBody = hasBody(status, this.#method);
      this.#isChunked = this.#hasBody && lengthBytes === undefined && this.#takesChunks;
      this.#leftBytes = this.#hasBody ? lengthBytes : undefined;
      this.#waiting = this.#head(status, headers, {
        hasDate,
        closes: this.#hasBody && lengthBytes === undefined && !this.#takesChunks,
      });
    }
  }

  flushHead(): void {
    if (!this.#isOver()) {
      this.#writeWaiting();
    }
  }

  writeText(text: string, sizeBytes: number): boolean {
    if (this.#isOver() || !this.#takes(sizeBytes)) {
      return true;
    }
    const isAscii = sizeBytes === text.length;
    return this.#hasRoom(this.#writeString(this.#framed(text, sizeBytes), isAscii));
  }

  writeBytes(bytes: Uint8Array): boolean {
    if (this.#isOver() || !this.#takes(bytes.length)) {
      return true;
    }
    const { buffer, byteOffset, length } = bytes;
    const source = Buffer.from(buffer, byteOffset, length);
    if (length <= COPY_BYTES) {
      // A string is a copy that costs no buffer, and goes out with its framing in one piece.
      return this.#wait(this.#framed(source.toString("latin1"), length));
    }
    if (this.#isChunked) {
      this.#waiting += chunkHead(length);
    }
    const hasRoom = this.#writeCopy(source);
    this.#waiting = this.#isChunked ? "\r\n" : "";
    return hasRoom;
  }

  get passesChunks(): boolean {
    return this.#isChunked;
  }

  writeChunks({ bytes, start, end }: WholeChunks): boolean {
    if (this.#isOver()) {
      return true;
    }
    return end - start <= COPY_BYTES
      ? this.#wait(bytes.toString("latin1", start, end))
      : this.#writeCopy(bytes.subarray(start, end));
  }

  flush(): void {
    if (!this.#isOver() && this.#waiting !== "") {
      this.#hasRoom(this.#writeWaiting());
    }
  }

  end(text: string, sizeBytes: number): void {
    if (this.#isOver()) {
      return;
    }
    const piece = text !== "" && this.#takes(sizeBytes) ? this.#framed(text, sizeBytes) : "";
    if (this.#isClosed) {
      return;
    }
    if (this.#leftBytes !== undefined && this.#leftBytes > 0) {
      // The head promised more: a client must not take what follows on the connection for the rest.
      this.#writer.destroy();
      return;
    }
    this.#hasEnded = true;
    const isAscii = sizeBytes === text.length;
    this.#writeString(this.#isChunked ? `${piece}0\r\n\r\n` : piece, isAscii, this.#carrier.answerWritten);
  }

  sendWhole(status: number, headers: readonly string[], body: string | Uint8Array): void {
    if (this.#isOver()) {
      return;
    }
    const isText = typeof body === "string";
    const sizeBytes = isText ? Buffer.byteLength(body) : body.length;
    this.#hasBody = hasBody(status, this.#method);
    const { hasDate } = framingOf(headers);
    this.#waiting = this.#head(status, [...headers, "content-length", String(sizeBytes)], {
      hasDate,
      closes: false,
    });
    this.#hasEnded = true;
    const { answerWritten } = this.#carrier;
    if (!this.#hasBody || sizeBytes === 0) {
      this.#writeString("", true, answerWritten);
    } else if (isText) {
      this.#writeString(body, sizeBytes === body.length, answerWritten);
    } else {
      this.#writer.cork();
      this.#writeWaiting();
      this.#writer.writeBytes(body, answerWritten);
      this.#writer.uncork();
    }
  }

  destroy(): void {
    if (!this.#isClosed) {
      this.#close("cut");
      this.#writer.destroy();
    }
  }

  switchProtocols(head: { readonly status: number; readonly headers: readonly string[] }): Socket {
    this.#status = head.status;
    this.#hasHead = true;
    this.#hasEnded = true;
    const socket = this.#carrier.release(this);
    socket.write(`${statusLine(head.status)}${headerLines(head.headers)}\r\n`, "latin1");
    return socket;
  }

  /** The socket took everything. */
  drained(): void {
    if (this.#isFull && !this.#isClosed) {
      this.#isFull = false;
      this.#listener?.drained();
    }
  }

  /** Everything is with the system. */
  sent(): void {
    this.#close("sent");
  }

  /** The client left. */
  gone(): void {
    this.#close("gone");
  }

  /** The socket of a changed protocol was closed. */
  released(): void {
    this.#close("cut");
  }

  #close(outcome: "sent" | "cut" | "gone"): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#waiting = "";
      this.#listener?.closed(outcome);
    }
  }

  /** Gathers latin1 text, up to a bound. */
  #wait(text: string): boolean {
    this.#waiting += text;
    return this.#waiting.length < COPY_BYTES * 4 || this.#hasRoom(this.#writeWaiting());
  }

  /** Writes what waits and a copy of the bytes after it. */
  #writeCopy(bytes: Buffer): boolean {
    this.#writer.cork();
    this.#writeWaiting();
    const hasRoom = this.#writer.writeBytes(Buffer.from(bytes));
    this.#writer.uncork();
    return this.#hasRoom(hasRoom);
  }

  #isOver(): boolean {
    return this.#hasEnded || this.#isClosed;
  }

  #head(
    status: number,
    headers: readonly string[],
    options: { readonly hasDate: boolean; readonly closes: boolean },
  ): string {
    const own = this.#ownHeaders === undefined ? "" : headerLines(this.#ownHeaders);
    const text = `${statusLine(status)}${own}${headerLines(headers)}`;
    this.#status = status;
    this.#hasHead = true;
    const persistence = options.closes ? "close" : this.#carrier.persistence();
    return `${text}${closingLines(persistence, { hasDate: options.hasDate, isChunked: this.#isChunked })}`;
  }

  /** Counts what the head promised. @returns false where the answer has no body, or none so long */
  #takes(sizeBytes: number): boolean {
    if (!this.#hasBody) {
      return false;
    }
    if (this.#leftBytes !== undefined) {
      this.#leftBytes -= sizeBytes;
      if (this.#leftBytes < 0) {
        this.#writer.destroy();
        return false;
      }
    }
    return true;
  }

  #framed(text: string, sizeBytes: number): string {
    return this.#isChunked && sizeBytes > 0 ? `${chunkHead(sizeBytes)}${text}\r\n` : text;
  }

  /** Writes what waits and `text` after it. @returns false when the socket is full */
  #writeString(text: string, isAscii: boolean, written?: (error?: Error | null) => void): boolean {
    const writer = this.#writer;
    const waiting = this.#waiting;
    this.#waiting = "";
    if (isAscii) {
      const all = waiting + text;
      if (all !== "") {
        return writer.write(all, "latin1", written);
      }
      if (written !== undefined) {
        process.nextTick(written);
      }
      return true;
    }
    if (waiting === "" || !NOT_ASCII.test(waiting)) {
      return writer.write(waiting + text, "utf8", written);
    }
    writer.cork();
    writer.write(waiting, "latin1");
    const hasRoom = writer.write(text, "utf8", written);
    writer.uncork();
    return hasRoom;
  }

  #writeWaiting(): boolean {
    return this.#writeString("", true);
  }

  #hasRoom(hasRoom: boolean): boolean {
    if (!hasRoom) {
      this.#isFull = true;
    }
    return hasRoom;
  }
}
