import type { MessageCodec } from "@vllm-router/proto/messages";
import { EngineError } from "../engine-error.ts";
import type { StreamCall, StreamReceiver } from "../transport/stream-transport.ts";
import { cancelledError } from "./admin-call.ts";

/** Hears the answers of one call. */
export interface AnswerListener<TAnswer> {
  /** True when it keeps nothing of the `bytes` of a message beyond its call, so that they need no copy; default false. */
  readonly takesBorrowed?: boolean;
  /** One message, in order. */
  message(message: TAnswer): void;
  /** The last call, unless the call was stopped: the engine ended it, in order (undefined) or not. */
  end(error: EngineError | undefined): void;
}

/** One running call of a service: decodes its answers, and ends it when its signal says so. */
export class ServiceCall<TAnswer> implements StreamReceiver {
  readonly #answerType: MessageCodec<TAnswer>;
  readonly #listener: AnswerListener<TAnswer>;
  readonly #signal: AbortSignal | undefined;
  #call: StreamCall | undefined;
  #isOver = false;

  constructor(
    answerType: MessageCodec<TAnswer>,
    listener: AnswerListener<TAnswer>,
    signal: AbortSignal | undefined,
  ) {
    this.#answerType = answerType;
    this.#listener = listener;
    this.#signal = signal;
  }

  /** Hands over the transport's side of the call. */
  attach(call: StreamCall): void {
    this.#call = call;
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Ends the call; its listener hears nothing more. */
  stop(): void {
    if (this.#leave()) this.#call?.cancel();
  }

  message(bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) return;
    let answer: TAnswer;
    try {
      const borrowed = bytes.subarray(start, end);
      // What is decoded points into its bytes, and these are the transport's.
      answer = this.#answerType.decode(
        this.#listener.takesBorrowed === true ? borrowed : Uint8Array.from(borrowed),
      );
    } catch (cause) {
      this.#fail(new EngineError("protocol", "the engine's answer cannot be read", { cause }));
      return;
    }
    this.#listener.message(answer);
  }

  end(): void {
    if (this.#leave()) this.#listener.end(undefined);
  }

  error(error: EngineError): void {
    if (this.#leave()) this.#listener.end(error);
  }

  readonly #abort = (): void => this.#fail(cancelledError());

  #fail(error: EngineError): void {
    if (!this.#leave()) return;
    this.#call?.cancel();
    this.#listener.end(error);
  }

  /** @returns false when the call was over already */
  #leave(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    return true;
  }
}
