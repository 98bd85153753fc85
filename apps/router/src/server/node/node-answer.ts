import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { RouterError } from "../../router-error.ts";
import type { Answer, AnswerListener } from "../answer.ts";
import { nodeHttp } from "../node-http.ts";
import { AnswerStream } from "./answer-stream.ts";

/** An answer on a response of Node's HTTP server. */
export class NodeAnswer implements Answer {
  readonly #socket: Socket;
  readonly #outgoing: ServerResponse;
  #stream: AnswerStream | undefined;
  #listener: AnswerListener | undefined;
  #isCut = false;
  #isClosed = false;

  constructor(socket: Socket, outgoing: ServerResponse) {
    this.#socket = socket;
    this.#outgoing = outgoing;
    outgoing.on("close", () => this.#close());
    outgoing.on("drain", () => this.#listener?.drained());
    // A reset by the client arrives as an error on the response; `close` follows and tells the story.
    outgoing.on("error", () => undefined);
    if (outgoing.socket === null) {
      // The answer to a pipelined request has no socket of its own yet: before Node 24 nobody tells it that the client left.
      socket.once("close", () => this.#close());
    }
  }

  get status(): number {
    return this.#outgoing.statusCode;
  }

  listen(listener: AnswerListener): void {
    this.#listener = listener;
  }

  setHeader(name: string, value: string): void {
    this.#outgoing.setHeader(name, value);
  }

  begin(status: number, headers: readonly string[]): void {
    this.#outgoing.writeHead(status, [...headers]);
  }

  flushHead(): void {
    this.#streamed().flushHead();
  }

  writeText(text: string, sizeBytes: number): boolean {
    return this.#streamed().writeText(text, sizeBytes);
  }

  writeBytes(bytes: Uint8Array): boolean {
    return this.#streamed().writeBytes(bytes);
  }

  /** Node frames them itself. */
  get passesChunks(): boolean {
    return false;
  }

  writeChunks(): never {
    throw new RouterError("internal", "Node's HTTP server frames chunks itself");
  }

  flush(): void {
    this.#stream?.flush();
  }

  end(text: string, sizeBytes: number): void {
    this.#streamed().end(text, sizeBytes);
  }

  sendWhole(status: number, headers: readonly string[], body: string | Uint8Array): void {
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    // Node knows itself that an answer to HEAD has no body.
    this.#outgoing.writeHead(status, [...headers, "content-length", String(length)]).end(body);
  }

  destroy(): void {
    this.#isCut ||= !this.#outgoing.writableEnded;
    this.#outgoing.destroy();
  }

  switchProtocols(head: { readonly status: number; readonly headers: readonly string[] }): Socket {
    const socket = this.#socket;
    this.#isCut = true;
    this.#outgoing.statusCode = head.status;
    socket.write(upgradeHead(head), "latin1");
    socket.setTimeout(0);
    socket.setNoDelay(true);
    return socket;
  }

  #streamed(): AnswerStream {
    this.#stream ??= new AnswerStream(this.#outgoing, () => this.#listener?.drained());
    return this.#stream;
  }

  #close(): void {
    if (this.#isClosed) {
      return;
    }
    this.#isClosed = true;
    // `close` without everything written means that the client left, also while the last bytes were on their way.
    const isSent = this.#outgoing.writableFinished;
    this.#listener?.closed(isSent ? "sent" : this.#isCut ? "cut" : "gone");
  }
}

function upgradeHead(head: { readonly status: number; readonly headers: readonly string[] }): string {
  const lines = [`HTTP/1.1 ${head.status} ${nodeHttp.STATUS_CODES[head.status] ?? ""}`];
  for (let index = 0; index + 1 < head.headers.length; index += 2) {
    lines.push(`${head.headers[index]}: ${head.headers[index + 1]}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}
