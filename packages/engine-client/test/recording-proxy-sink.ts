import type { EngineError, ProxyHead, ProxySink } from "../src/index.ts";
import { waitUntil } from "./wait-until.ts";

/** A method of the sink. */
type Event = "head" | "data" | "flush" | "end" | "error";

/** Keeps every call of the sink, and lets a test wait for the end. */
export class RecordingProxySink implements ProxySink {
  readonly kinds: Event[] = [];
  readonly pieces: Buffer[] = [];
  answer: ProxyHead | undefined;
  failure: EngineError | undefined;
  onEvent: ((event: Event) => void) | undefined;

  head(head: ProxyHead): void {
    this.answer = head;
    this.#keep("head");
  }
  data(bytes: Uint8Array): void {
    this.pieces.push(Buffer.from(bytes));
    this.#keep("data");
  }
  flush(): void {
    this.#keep("flush");
  }
  end(): void {
    this.#keep("end");
  }
  error(error: EngineError): void {
    this.failure = error;
    this.#keep("error");
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString();
  }

  async over(): Promise<void> {
    await waitUntil(() => this.kinds.includes("end") || this.kinds.includes("error"), "end or error");
  }

  #keep(event: Event): void {
    this.kinds.push(event);
    this.onEvent?.(event);
  }
}
