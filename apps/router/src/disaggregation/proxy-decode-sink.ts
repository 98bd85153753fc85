import type { EngineError, ProxyHead, ProxySink } from "@vllm-router/engine-client";
import { DecodeEar, type HeardPair } from "./decode-ear.ts";
import { StreamOpening } from "./stream-opening.ts";

/** What vLLM answers when a generation ended with an error. */
const INTERNAL_SERVER_ERROR = 500;

/**
 * The decode leg's answer on its way to the client. As long as the engine may lack the blocks it was promised, the head
 * and what a stream opens with are held back: the error would come next.
 */
export class ProxyDecodeSink implements ProxySink {
  readonly #ear: DecodeEar;
  readonly #sink: ProxySink;
  readonly #held: Uint8Array[] = [];
  #head: ProxyHead | undefined;
  #opening: StreamOpening | undefined;

  constructor(pair: HeardPair, sink: ProxySink) {
    this.#ear = new DecodeEar(pair, sink);
    this.#sink = sink;
  }

  head(head: ProxyHead): void {
    const ear = this.#ear;
    if (head.status === INTERNAL_SERVER_ERROR && ear.failed()) {
      return;
    }
    if (ear.isWaiting && head.status < 400) {
      // vLLM sends the head of a stream before it has looked at the request.
      this.#head = head;
      this.#opening = new StreamOpening();
    } else if (head.status >= 400 ? ear.heard(false) : ear.isTold) {
      this.#sink.head(head);
    }
  }

  data(bytes: Uint8Array): void {
    const ear = this.#ear;
    if (ear.isWaiting && this.#opening !== undefined) {
      // The bytes are the transport's to use again.
      this.#held.push(Uint8Array.from(bytes));
      const verdict = this.#opening.add(bytes);
      if (verdict === "more" || (verdict === "error" && ear.failed())) {
        return;
      }
      ear.heard(verdict === "content");
      this.#tellHeld();
    } else if (ear.heard()) {
      this.#sink.data(bytes);
    }
  }

  flush(): void {
    if (this.#ear.isTold && !this.#ear.isWaiting) {
      this.#sink.flush();
    }
  }

  end(): void {
    if (this.#ear.isWaiting) {
      this.#ear.heard();
      this.#tellHeld();
    }
    this.#ear.end();
  }

  error(error: EngineError): void {
    this.#ear.error(error);
  }

  #tellHeld(): void {
    const head = this.#head;
    this.#head = undefined;
    this.#opening = undefined;
    if (head !== undefined) {
      this.#sink.head(head);
    }
    for (const bytes of this.#held.splice(0)) {
      if (this.#ear.isTold) {
        this.#sink.data(bytes);
      }
    }
  }
}
