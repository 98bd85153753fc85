import { errorBody, type ApiError } from "@vllm-router/api";
import { AnswerStream } from "./answer-stream.ts";
import { STATUS_CODES, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** What the owner of a running request wants to hear about its client. */
export interface ExchangeListener {
  /** The client went away before the answer was complete. Called at most once. */
  gone(): void;
  /** The socket took everything that was written; writing may go on. */
  drained(): void;
}

/** What handlers see of a client's side; an answer without a client has it too. */
export type ClientSide = Pick<Exchange, keyof Exchange>;

/**
 * The client's side of one HTTP request: what was asked, and the one answer. Text is gathered with {@link append} and
 * leaves in one write at {@link flush}. The first byte written is the commit: after it a status can no longer change.
 * Whatever is written after the answer ended or the client left is thrown away.
 */
export class Exchange {
  readonly incoming: IncomingMessage;
  /** Body of an error answer in the shape of the request's API. */
  errorBody: (error: ApiError) => string = errorBody;
  /** Headers of every answer that is the router's own, and of others where they say who may read them. Not changed. */
  sharedHeaders: OutgoingHttpHeaders | undefined;
  readonly #outgoing: ServerResponse;
  #stream: AnswerStream | undefined;
  #listener: ExchangeListener | undefined;
  #closedListener: (() => void) | undefined;
  #pending = "";
  #headSent = false;
  #ended = false;
  #gone = false;
  #closed = false;
  #bytesSent = 0;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.incoming = incoming;
    this.#outgoing = outgoing;
    outgoing.on("close", () => this.#close());
    outgoing.on("drain", () => this.#listener?.drained());
    // A reset by the client arrives as an error on the response; `close` follows and tells the story.
    outgoing.on("error", () => undefined);
    if (outgoing.socket === null) {
      // The answer to a pipelined request has no socket of its own yet: before Node 24 nobody tells it that the client left.
      incoming.socket.once("close", () => this.#close());
    }
  }

  /** True once the head of the answer has been written. */
  get committed(): boolean {
    return this.#headSent;
  }

  /** True when the client left before the answer was complete. */
  get gone(): boolean {
    return this.#gone;
  }

  /** True when nothing more can be written: the answer is complete, or was cut off by {@link destroy}. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Status of the answer; meaningful once {@link committed}. */
  get status(): number {
    return this.#outgoing.statusCode;
  }

  /** Bytes of body written so far. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Value of a request header by its lower-case name, the first where there are several; undefined where there is none. */
  header(name: string): string | undefined {
    const value = this.incoming.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** Sets a response header to be sent with the head. No effect after the commit. */
  setHeader(name: string, value: string): void {
    if (!this.#headSent) {
      this.#outgoing.setHeader(name, value);
    }
  }

  /** Whoever owns the running request hears of the client through `listener`; undefined when nobody does. */
  listen(listener: ExchangeListener | undefined): void {
    this.#listener = listener;
    if (listener !== undefined && this.#gone) {
      listener.gone();
    }
  }

  /** Calls `listener` once, when the answer is complete, cut off, or the client is gone; after `gone` was told. */
  onClosed(listener: () => void): void {
    if (this.#closed) {
      listener();
    } else {
      this.#closedListener = listener;
    }
  }

  /** Gathers text of a streamed answer; nothing is written before {@link flush}. */
  append(text: string): void {
    this.#pending = this.#pending === "" ? text : this.#pending + text;
  }

  /**
   * Writes what was gathered, the head first when it is the first time.
   * @returns false when the socket is full: stop the sources until `drained`
   */
  flush(contentType: string): boolean {
    const text = this.#pending;
    this.#pending = "";
    if (text === "" || this.#isOver()) {
      return true;
    }
    if (!this.#headSent) {
      this.#sendHead(200, { "content-type": contentType });
    }
    const sizeBytes = Buffer.byteLength(text);
    this.#bytesSent += sizeBytes;
    return this.#streamed().writeText(text, sizeBytes);
  }

  /** Writes raw bytes of a proxied body, which may be overwritten afterwards. @returns false when the socket is full: stop the source until `drained` */
  writeBytes(bytes: Uint8Array): boolean {
    if (this.#isOver()) {
      return true;
    }
    this.#bytesSent += bytes.length;
    return this.#streamed().writeBytes(bytes);
  }

  /** Lets go what {@link writeBytes} was given in this turn. */
  flushBytes(): void {
    if (!this.#isOver()) {
      this.#stream?.flush();
    }
  }

  /** Sends the head of a proxied answer: name, value, name, value … */
  sendRawHead(status: number, headers: readonly string[]): void {
    if (this.#headSent || this.#isOver()) {
      return;
    }
    this.#headSent = true;
    this.#outgoing.writeHead(status, [...headers, ...this.#crossOriginHeaders()]);
    // In one packet with the body's first bytes when they are here already, else without waiting for them.
    process.nextTick(() => {
      if (!this.#isOver()) {
        this.#streamed().flushHead();
      }
    });
  }

  /**
   * Answers a request for another protocol with the head of a worker that accepted it, and hands over the socket, which
   * then belongs to the caller. The exchange ends when the socket does.
   */
  switchProtocols(head: { readonly status: number; readonly headers: readonly string[] }): Socket {
    const { socket } = this.incoming;
    this.#headSent = true;
    this.#ended = true;
    this.#outgoing.statusCode = head.status;
    socket.write(upgradeHead(head), "latin1");
    socket.setTimeout(0);
    socket.setNoDelay(true);
    return socket;
  }

  /** Ends a streamed or proxied answer, writing what is still gathered. */
  endStream(contentType: string): void {
    const text = this.#pending;
    this.#pending = "";
    if (this.#isOver()) {
      return;
    }
    if (!this.#headSent) {
      this.#sendHead(200, { "content-type": contentType });
    }
    this.#ended = true;
    const sizeBytes = Buffer.byteLength(text);
    this.#bytesSent += sizeBytes;
    this.#streamed().end(text, sizeBytes);
  }

  /** Cuts the connection: an answer that cannot be completed must not look complete. */
  destroy(): void {
    this.#ended = true;
    this.#pending = "";
    this.#outgoing.destroy();
  }

  /** Sends a whole answer. Does nothing when one was begun already or the client left. */
  send(status: number, body: string | Uint8Array, headers: OutgoingHttpHeaders): void {
    if (this.#headSent || this.#isOver()) {
      return;
    }
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    this.#sendHead(status, { ...headers, "content-length": length });
    this.#ended = true;
    if (this.incoming.method === "HEAD") {
      this.#outgoing.end();
      return;
    }
    this.#bytesSent += length;
    this.#outgoing.end(body);
  }

  /** Sends a whole JSON answer. */
  sendJson(status: number, body: string): void {
    this.send(status, body, { "content-type": "application/json" });
  }

  #streamed(): AnswerStream {
    this.#stream ??= new AnswerStream(this.#outgoing, () => this.#listener?.drained());
    return this.#stream;
  }

  #isOver(): boolean {
    return this.#ended || this.#gone;
  }

  /** Of a proxied answer, only what the router was told about other origins is added. */
  #crossOriginHeaders(): readonly string[] {
    const entries = Object.entries(this.sharedHeaders ?? {}).filter(([name]) => name !== "vary");
    return entries.flatMap(([name, value]) => [name, String(value)]);
  }

  #sendHead(status: number, headers: OutgoingHttpHeaders): void {
    this.#headSent = true;
    const shared = this.sharedHeaders;
    this.#outgoing.writeHead(status, shared === undefined ? headers : { ...headers, ...shared });
  }

  #close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    // `close` without everything written means that the client left, also while the last bytes were on their way;
    // unless it was us who cut the connection.
    const isCut = this.#ended && !this.#outgoing.writableEnded;
    if (!isCut && !this.#outgoing.writableFinished) {
      this.#gone = true;
      this.#pending = "";
      this.#listener?.gone();
    }
    this.#closedListener?.();
    this.#closedListener = undefined;
  }
}

function upgradeHead(head: { readonly status: number; readonly headers: readonly string[] }): string {
  const lines = [`HTTP/1.1 ${head.status} ${STATUS_CODES[head.status] ?? ""}`];
  for (let index = 0; index + 1 < head.headers.length; index += 2) {
    lines.push(`${head.headers[index]}: ${head.headers[index + 1]}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}
