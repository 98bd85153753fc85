import { errorBody, type ApiError } from "@vllm-router/api";
import type { WholeChunks } from "@vllm-router/engine-client";
import type { OutgoingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { Answer, AnswerListener } from "./answer.ts";
import type { IncomingRequest } from "./incoming-request.ts";

/** What the owner of a running request wants to hear about its client. */
export interface ExchangeListener {
  /** The client went away before the answer was complete. Called at most once. */
  gone(): void;
  /** The socket took everything that was written; writing may go on. */
  drained(): void;
}

/** What handlers see of a client's side; an answer without a client has it too. */
export type ClientSide = Omit<Pick<Exchange, keyof Exchange>, keyof AnswerListener>;

/**
 * The client's side of one HTTP request: what was asked, and the one answer. Text is gathered with {@link append} and
 * leaves in one write at {@link flush}. The first byte written is the commit: after it a status can no longer change.
 * Whatever is written after the answer ended or the client left is thrown away.
 */
export class Exchange implements AnswerListener {
  readonly incoming: IncomingRequest;
  /** Body of an error answer in the shape of the request's API. */
  errorBody: (error: ApiError) => string = errorBody;
  /** Headers of every answer that is the router's own, and of others where they say who may read them. Not changed. */
  sharedHeaders: OutgoingHttpHeaders | undefined;
  readonly #answer: Answer;
  #listener: ExchangeListener | undefined;
  #closedListener: (() => void) | undefined;
  #pending = "";
  /** What was gathered is known to be ASCII. */
  #isPendingAscii = true;
  #headSent = false;
  #ended = false;
  #gone = false;
  #closed = false;
  #bytesSent = 0;

  constructor(incoming: IncomingRequest, answer: Answer) {
    this.incoming = incoming;
    this.#answer = answer;
    answer.listen(this);
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
    return this.#answer.status;
  }

  /** Bytes of body written so far. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Value of a request header by its lower-case name, the first where there are several; undefined where there is none. */
  header(name: string): string | undefined {
    return this.incoming.header(name);
  }

  /** Sets a response header to be sent with the head. No effect after the commit. */
  setHeader(name: string, value: string): void {
    if (!this.#headSent) {
      this.#answer.setHeader(name, value);
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

  drained(): void {
    this.#listener?.drained();
  }

  closed(outcome: "sent" | "cut" | "gone"): void {
    this.#closed = true;
    if (outcome === "gone") {
      this.#gone = true;
      this.#pending = "";
      this.#listener?.gone();
    }
    this.#closedListener?.();
    this.#closedListener = undefined;
  }

  /**
   * Gathers text of a streamed answer; nothing is written before {@link flush}.
   * @param isAscii the text is known to be ASCII: then its size needs not be counted
   */
  append(text: string, isAscii = false): void {
    if (text !== "") {
      this.#isPendingAscii &&= isAscii;
      this.#pending = this.#pending === "" ? text : this.#pending + text;
    }
  }

  /**
   * Writes what was gathered, the head first when it is the first time.
   * @returns false when the socket is full: stop the sources until `drained`
   */
  flush(contentType: string): boolean {
    const text = this.#pending;
    if (text === "" || this.#isOver()) {
      this.#pending = "";
      return true;
    }
    if (!this.#headSent) {
      this.#sendHead(200, { "content-type": contentType });
    }
    const sizeBytes = this.#takePending();
    this.#bytesSent += sizeBytes;
    return this.#answer.writeText(text, sizeBytes);
  }

  /** Writes raw bytes of a proxied body, which may be overwritten afterwards. @returns false when the socket is full: stop the source until `drained` */
  writeBytes(bytes: Uint8Array): boolean {
    if (this.#isOver()) {
      return true;
    }
    this.#bytesSent += bytes.length;
    return this.#answer.writeBytes(bytes);
  }

  /** True where the body leaves in chunks, so that those of a worker can be passed on as they are. */
  get passesChunks(): boolean {
    return this.#answer.passesChunks;
  }

  /** Writes chunks of a proxied body as the worker framed them; as {@link writeBytes}. Only where {@link passesChunks}. */
  writeChunks(chunks: WholeChunks): boolean {
    if (this.#isOver()) {
      return true;
    }
    this.#bytesSent += chunks.contentBytes;
    return this.#answer.writeChunks(chunks);
  }

  /** Lets go what {@link writeBytes} and {@link writeChunks} were given in this turn. */
  flushBytes(): void {
    if (!this.#isOver()) {
      this.#answer.flush();
    }
  }

  /** Sends the head of a proxied answer: name, value, name, value … */
  sendRawHead(status: number, headers: readonly string[]): void {
    if (this.#headSent || this.#isOver()) {
      return;
    }
    this.#headSent = true;
    this.#answer.begin(status, [...headers, ...this.#crossOriginHeaders()]);
    // In one packet with the body's first bytes when they are here already, else without waiting for them.
    process.nextTick(() => {
      if (!this.#isOver()) {
        this.#answer.flushHead();
      }
    });
  }

  /**
   * Answers a request for another protocol with the head of a worker that accepted it, and hands over the socket, which
   * then belongs to the caller. The exchange ends when the socket does.
   */
  switchProtocols(head: { readonly status: number; readonly headers: readonly string[] }): Socket {
    this.#headSent = true;
    this.#ended = true;
    return this.#answer.switchProtocols(head);
  }

  /** Ends a streamed or proxied answer, writing what is still gathered. */
  endStream(contentType: string): void {
    const text = this.#pending;
    if (this.#isOver()) {
      this.#pending = "";
      return;
    }
    if (!this.#headSent) {
      this.#sendHead(200, { "content-type": contentType });
    }
    this.#ended = true;
    const sizeBytes = this.#takePending();
    this.#bytesSent += sizeBytes;
    this.#answer.end(text, sizeBytes);
  }

  /** Cuts the connection: an answer that cannot be completed must not look complete. */
  destroy(): void {
    this.#ended = true;
    this.#pending = "";
    this.#answer.destroy();
  }

  /** Sends a whole answer. Does nothing when one was begun already or the client left. */
  send(status: number, body: string | Uint8Array, headers: OutgoingHttpHeaders): void {
    if (this.#headSent || this.#isOver()) {
      return;
    }
    this.#headSent = true;
    this.#answer.sendWhole(status, this.#allHeaders(headers), body);
    this.#ended = true;
    if (this.incoming.method !== "HEAD") {
      this.#bytesSent += typeof body === "string" ? Buffer.byteLength(body) : body.length;
    }
  }

  /** Sends a whole JSON answer. */
  sendJson(status: number, body: string): void {
    this.send(status, body, { "content-type": "application/json" });
  }

  #isOver(): boolean {
    return this.#ended || this.#gone;
  }

  /** Forgets what was gathered. @returns its size */
  #takePending(): number {
    const text = this.#pending;
    const isAscii = this.#isPendingAscii;
    this.#pending = "";
    this.#isPendingAscii = true;
    // Counting puts a text of many pieces together, and the answer does that once more.
    return isAscii ? text.length : Buffer.byteLength(text);
  }

  /** Of a proxied answer, only what the router was told about other origins is added. */
  #crossOriginHeaders(): readonly string[] {
    const entries = Object.entries(this.sharedHeaders ?? {}).filter(([name]) => name !== "vary");
    return entries.flatMap(([name, value]) => [name, String(value)]);
  }

  #sendHead(status: number, headers: OutgoingHttpHeaders): void {
    this.#headSent = true;
    this.#answer.begin(status, this.#allHeaders(headers));
  }

  /** With those of every answer, as name, value, name, value … */
  #allHeaders(headers: OutgoingHttpHeaders): readonly string[] {
    const all: string[] = [];
    addHeaders(all, headers);
    if (this.sharedHeaders !== undefined) {
      addHeaders(all, this.sharedHeaders);
    }
    return all;
  }
}

function addHeaders(all: string[], headers: OutgoingHttpHeaders): void {
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) {
      all.push(name, String(value));
    }
  }
}
