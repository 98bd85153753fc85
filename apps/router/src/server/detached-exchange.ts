import { errorBody, type ApiError } from "@vllm-router/api";
import { RouterError } from "../router-error.ts";
import type { ClientSide, ExchangeListener } from "./exchange.ts";
import type { IncomingRequest } from "./incoming-request.ts";

/** Who takes an answer that has no client. */
export interface DetachedAnswer {
  /** More of a streamed answer. */
  text(text: string): void;
  /** The answer is complete, or was cut off. */
  ended(status: number): void;
}

/** The client's side of a request whose client is not waiting: what is written goes to whoever keeps the answer. */
export class DetachedExchange implements ClientSide {
  readonly incoming: IncomingRequest;
  errorBody: (error: ApiError) => string = errorBody;
  sharedHeaders: undefined;
  readonly #answer: DetachedAnswer;
  #listener: ExchangeListener | undefined;
  #closedListener: (() => void) | undefined;
  #pending = "";
  #status = 200;
  #committed = false;
  #gone = false;
  #ended = false;

  /** @param incoming the request that asked for the answer; its client is gone by the time there is one */
  constructor(incoming: IncomingRequest, answer: DetachedAnswer) {
    this.incoming = incoming;
    this.#answer = answer;
  }

  get committed(): boolean {
    return this.#committed;
  }

  get gone(): boolean {
    return this.#gone;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get status(): number {
    return this.#status;
  }

  get bytesSent(): number {
    return 0;
  }

  header(name: string): string | undefined {
    return this.incoming.header(name);
  }

  setHeader(): void {
    // There is nobody to read it.
  }

  listen(listener: ExchangeListener | undefined): void {
    this.#listener = listener;
    if (this.#gone) {
      listener?.gone();
    }
  }

  onClosed(listener: () => void): void {
    this.#closedListener = listener;
  }

  append(text: string): void {
    this.#pending += text;
  }

  flush(): boolean {
    const text = this.#pending;
    this.#pending = "";
    if (text !== "" && !this.#ended) {
      this.#committed = true;
      this.#answer.text(text);
    }
    return true;
  }

  writeBytes(): boolean {
    return true;
  }

  get passesChunks(): boolean {
    return false;
  }

  writeChunks(): boolean {
    return true;
  }

  flushBytes(): void {
    // Nothing is gathered.
  }

  switchProtocols(): never {
    throw new RouterError("internal", "an answer without a client cannot switch protocols");
  }

  sendRawHead(status: number): void {
    this.#status = status;
    this.#committed = true;
  }

  endStream(): void {
    this.flush();
    this.#end(200);
  }

  destroy(): void {
    this.#end(this.#status);
  }

  send(status: number): void {
    this.#end(status);
  }

  sendJson(status: number): void {
    this.#end(status);
  }

  /** Whoever keeps the answer does not want it any more: what makes it is stopped. */
  cancel(): void {
    if (!this.#ended) {
      this.#gone = true;
      this.#listener?.gone();
      this.#end(this.#status);
    }
  }

  #end(status: number): void {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    this.#committed = true;
    this.#status = status;
    this.#answer.ended(status);
    this.#closedListener?.();
  }
}
