import {
  EngineError,
  type GenerateCall,
  type GenerateSink,
  type SequenceFinish,
  type TokenOutput,
} from "@vllm-router/engine-client";
import type { Placement } from "./placement.ts";
import type { SequenceState } from "./sequence-state.ts";

/** What an attempt tells the generation it belongs to. */
export interface AttemptOwner {
  /** First output of the attempt arrived. */
  attemptOutput(attempt: Attempt, output: TokenOutput): void;
  /** The KV connector's answer that came with the end of a sequence, as JSON text. */
  attemptReturnedKvParams(params: string): void;
  /** The transport is about to give control back: write now. */
  attemptFlush(): void;
  /** Handling an output threw: a bug, told before the attempt fails. */
  attemptBroken(error: unknown): void;
  /** Every sequence of the attempt is finished. Called once, and nothing after it. */
  attemptEnded(attempt: Attempt): void;
  /** The attempt failed. Called once, and nothing after it. */
  attemptFailed(attempt: Attempt, error: EngineError): void;
}

/**
 * One try of some sequences of a generation on one worker. Gives its place in the ledger back exactly once, whatever
 * ends it: success, failure or cancellation.
 */
export class Attempt implements GenerateSink {
  readonly sequences: readonly SequenceState[];
  readonly placement: Placement;
  readonly #owner: AttemptOwner;
  #call: GenerateCall | undefined;
  #done = false;
  #sawOutput = false;

  constructor(owner: AttemptOwner, sequences: readonly SequenceState[], placement: Placement) {
    this.#owner = owner;
    this.sequences = sequences;
    this.placement = placement;
  }

  /** Hands over the running call; to be called right after it was started. */
  started(call: GenerateCall): void {
    this.#call = call;
  }

  /** True once the attempt is over. */
  get done(): boolean {
    return this.#done;
  }

  /** True once the engine gave an output. */
  get sawOutput(): boolean {
    return this.#sawOutput;
  }

  pause(): void {
    this.#call?.pause();
  }

  resume(): void {
    this.#call?.resume();
  }

  /** Ends the engine's work without a word to the owner. */
  cancel(): void {
    if (!this.#done) {
      this.#done = true;
      this.#call?.cancel();
      this.placement.release("cancelled");
    }
  }

  output(output: TokenOutput): void {
    if (this.#done) {
      return;
    }
    try {
      this.#take(output);
    } catch (error) {
      this.#broken(error);
    }
  }

  #take(output: TokenOutput): void {
    this.#sawOutput = true;
    const sequence = this.sequences[output.index];
    if (sequence === undefined) {
      this.#fail(
        new EngineError("protocol", `engine answered for sequence ${output.index}, which was not asked for`),
      );
      return;
    }
    this.placement.output(output.tokenCount);
    this.#owner.attemptOutput(this, output);
    if (sequence.output(output) === "engine-overran") {
      this.#endIfFinished();
    }
  }

  finish(index: number, finish: SequenceFinish): void {
    if (this.#done) {
      return;
    }
    try {
      this.#takeFinish(index, finish);
    } catch (error) {
      this.#broken(error);
    }
  }

  #takeFinish(index: number, finish: SequenceFinish): void {
    if (finish.reason === "error") {
      this.#fail(new EngineError("internal", "Internal server error"));
      return;
    }
    if (finish.kvTransferParams !== undefined) {
      this.#owner.attemptReturnedKvParams(finish.kvTransferParams);
    }
    this.sequences[index]?.finish(finish);
  }

  flush(): void {
    this.#owner.attemptFlush();
  }

  end(): void {
    if (this.#done) {
      return;
    }
    if (this.sequences.every((sequence) => sequence.finished)) {
      this.#succeed();
    } else {
      this.#fail(new EngineError("protocol", "engine ended the stream before every sequence was finished"));
    }
  }

  error(error: EngineError): void {
    this.#fail(error);
  }

  /** A bug in rendering must end this request with an error, not leave it hanging with its engine working on. */
  #broken(error: unknown): void {
    this.#owner.attemptBroken(error);
    this.#fail(new EngineError("internal", "Internal server error", { cause: error }));
  }

  /** Every sequence met its end by the router's own rules although the engine goes on: stop it. */
  #endIfFinished(): void {
    if (this.sequences.every((sequence) => sequence.finished)) {
      this.#call?.cancel();
      this.#succeed();
    }
  }

  #succeed(): void {
    this.#done = true;
    this.placement.release("success");
    this.#owner.attemptEnded(this);
  }

  #fail(error: EngineError): void {
    if (this.#done) {
      return;
    }
    this.#done = true;
    this.#call?.cancel();
    this.placement.release(error.code === "rejected" ? "rejected" : "failure");
    this.#owner.attemptFailed(this, error);
  }
}
