import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { BodyReceiver, IncomingRequest } from "../incoming-request.ts";

/** A request of Node's HTTP server. */
export class NodeRequest implements IncomingRequest {
  readonly #incoming: IncomingMessage;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
  }

  get method(): string {
    return this.#incoming.method ?? "GET";
  }

  get url(): string {
    return this.#incoming.url ?? "/";
  }

  get rawHeaders(): readonly string[] {
    return this.#incoming.rawHeaders;
  }

  get socket(): Socket {
    return this.#incoming.socket;
  }

  header(name: string): string | undefined {
    const { headers } = this.#incoming;
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    return Array.isArray(value) ? value[0] : value;
  }

  receive(receiver: BodyReceiver): void {
    const incoming = this.#incoming;
    if (incoming.destroyed) {
      receiver.broken();
      return;
    }
    let isOver = false;
    const broken = (): void => {
      if (!isOver) {
        isOver = true;
        receiver.broken();
      }
    };
    incoming.on("data", (piece: Uint8Array) => receiver.piece(piece));
    incoming.on("end", () => {
      isOver = true;
      receiver.end();
    });
    incoming.on("error", broken);
    incoming.on("close", broken);
  }

  pause(): void {
    this.#incoming.pause();
  }

  resume(): void {
    this.#incoming.resume();
  }

  discard(): void {
    this.#incoming.resume();
  }
}
