import type { EngineError } from "@vllm-router/engine-client";

/** The pair that a decode leg belongs to. */
export interface HeardPair {
  readonly isOver: boolean;
  readonly isAwaited: boolean;
  decodeHeard(isWell?: boolean): void;
  decodeFailed(): boolean;
  decodeEnded(): void;
}

/** Where the ends of a decode leg go. */
interface EndSink {
  end(): void;
  error(error: EngineError): void;
}

/**
 * What one decode leg says, on its way to an attempt: nothing of it is told once the attempt has cancelled, or once the
 * leg was given up for another because the blocks were not there.
 */
export class DecodeEar {
  readonly #pair: HeardPair;
  readonly #sink: EndSink;
  #isForgotten = false;

  constructor(pair: HeardPair, sink: EndSink) {
    this.#pair = pair;
    this.#sink = sink;
  }

  /** Whether what is said is to be told. */
  get isTold(): boolean {
    return !this.#isForgotten && !this.#pair.isOver;
  }

  /** True as long as what is said may still turn out to be for want of the blocks: it is to be held back. */
  get isWaiting(): boolean {
    return this.isTold && this.#pair.isAwaited;
  }

  /** The engine has begun, with an error unless `isWell`. @returns whether that is to be told */
  heard(isWell = true): boolean {
    if (!this.#isForgotten) {
      this.#pair.decodeHeard(isWell);
    }
    return this.isTold;
  }

  /** The engine ended with an error before it began. @returns true when the pair goes on without this leg */
  failed(): boolean {
    if (!this.#isForgotten) {
      // Before the call: what is said from inside it is heard no more.
      this.#isForgotten = this.isWaiting;
      this.#isForgotten = this.#pair.decodeFailed();
    }
    return this.#isForgotten;
  }

  end(): void {
    if (this.#ended()) {
      this.#sink.end();
    }
  }

  error(error: EngineError): void {
    // So vllm-rs ends a generation whose blocks were not there; others say that it finished with an error.
    if (error.code === "internal" && this.failed()) {
      return;
    }
    if (this.#ended()) {
      this.#sink.error(error);
    }
  }

  #ended(): boolean {
    const { isTold } = this;
    if (!this.#isForgotten) {
      this.#pair.decodeEnded();
    }
    return isTold;
  }
}
