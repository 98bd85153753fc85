import type { Socket } from "node:net";
import type { BodyReceiver, IncomingRequest } from "../incoming-request.ts";
import type { RequestHead } from "./request-head.ts";

/** Where the body comes from. */
export interface BodySource {
  pauseBody(request: NetRequest): void;
  resumeBody(request: NetRequest): void;
  /** Somebody wants the body: a client that waits for a word may send it. */
  bodyWanted(request: NetRequest): void;
}

/** So much of a body is held before anybody asks for it; then the client is held back. */
const MAX_HELD_BYTES = 64 * 1024;

/** One request of a connection. */
export class NetRequest implements IncomingRequest {
  readonly method: string;
  readonly url: string;
  readonly socket: Socket;
  readonly #head: RequestHead;
  readonly #source: BodySource;
  #receiver: BodyReceiver | undefined;
  #held: Uint8Array[] | undefined;
  #heldBytes = 0;
  #state: "open" | "ended" | "broken" = "open";
  #isDiscarded = false;

  constructor(head: RequestHead, socket: Socket, source: BodySource) {
    this.method = head.method;
    this.url = head.target;
    this.socket = socket;
    this.#head = head;
    this.#source = source;
  }

  get rawHeaders(): readonly string[] {
    return this.#head.rawHeaders;
  }

  header(name: string): string | undefined {
    return this.#head.header(name);
  }

  /** All of the body has arrived. */
  get hasEnded(): boolean {
    return this.#state === "ended";
  }

  receive(receiver: BodyReceiver): void {
    this.#receiver = receiver;
    const held = this.#held;
    this.#held = undefined;
    for (const piece of held ?? []) {
      receiver.piece(piece);
    }
    if (this.#state === "ended") {
      this.#release()?.end();
    } else if (this.#state === "broken") {
      this.#release()?.broken();
    } else {
      this.#source.bodyWanted(this);
      if (this.#heldBytes > MAX_HELD_BYTES) {
        this.#source.resumeBody(this);
      }
    }
  }

  pause(): void {
    if (this.#state === "open" && !this.#isDiscarded) {
      this.#source.pauseBody(this);
    }
  }

  resume(): void {
    if (this.#state === "open") {
      this.#source.resumeBody(this);
    }
  }

  discard(): void {
    this.#isDiscarded = true;
    this.#held = undefined;
    this.resume();
  }

  /** Bytes arrived. */
  piece(bytes: Uint8Array): void {
    if (this.#isDiscarded) {
      return;
    }
    if (this.#receiver !== undefined) {
      this.#receiver.piece(bytes);
      return;
    }
    (this.#held ??= []).push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > MAX_HELD_BYTES) {
      this.#source.pauseBody(this);
    }
  }

  /** The body is complete. */
  end(): void {
    this.#state = "ended";
    this.#release()?.end();
  }

  /** The connection is gone, or of no use any more. */
  break(): void {
    if (this.#state === "open") {
      this.#state = "broken";
      this.#held = undefined;
      this.#release()?.broken();
    }
  }

  /** A receiver that has heard the last word is let go: the body it gathered must not live as long as the answer. */
  #release(): BodyReceiver | undefined {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    return receiver;
  }
}
