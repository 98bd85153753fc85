import {
  EngineError,
  type EngineErrorCode,
  type GenerateCall,
  type GenerateRequest,
  type GenerateSink,
  type SequenceFinish,
  type TokenOutput,
} from "@vllm-router/engine-client";
import type { Placement } from "./placement.ts";
import type { SequenceState } from "./sequence-state.ts";

/** Errors that are about the request: the worker is well. */
const BLAMELESS: ReadonlySet<EngineErrorCode> = new Set(["rejected", "unimplemented"]);

/** What an attempt tells the generation it belongs to. */
export interface AttemptOwner {
  /** First output of the attempt arrived. */
  attemptOutput(attempt: Attempt, output: TokenOutput): void;
  /** The KV connector's answer that came with the end of a sequence, as JSON text. */
  attemptReturnedKvParams(params: string): void;
  /** The transport is about to give control back: write now. Or, when `isLast`, with the end, which follows at once. */
  attemptFlush(isLast: boolean): void;
  /** Handling what the engine said threw: a bug of ours, so no other worker can do better. Called once, nothing after it. */
  attemptBroken(attempt: Attempt, error: unknown): void;
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
  /** Tries of these sequences that had failed before this one. */
  readonly failedTries: number;
  readonly #owner: AttemptOwner;
  /** Mostly the only one: looked at for every token. */
  readonly #first: SequenceState | undefined;
  #call: GenerateCall | undefined;
  #done = false;
  /** The engine goes on with a sequence that has ended by the router's rules: nothing of it is waited for. */
  #overran = false;

  constructor(
    owner: AttemptOwner,
    options: {
      readonly sequences: readonly SequenceState[];
      readonly placement: Placement;
      readonly failedTries: number;
    },
  ) {
    this.#owner = owner;
    this.sequences = options.sequences;
    this.#first = options.sequences[0];
    this.placement = options.placement;
    this.failedTries = options.failedTries;
  }

  /** Starts the call. What the engine client throws is told to the owner, not thrown. */
  start(request: GenerateRequest): void {
    try {
      this.#call = this.placement.engine.generate(request, this);
    } catch (error) {
      this.#broken(error);
    }
  }

  /** True once the attempt is over. */
  get done(): boolean {
    return this.#done;
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
    const sequence = output.index === 0 ? this.#first : this.sequences[output.index];
    if (sequence === undefined) {
      this.#fail(
        new EngineError("protocol", `engine answered for sequence ${output.index}, which was not asked for`),
      );
      return;
    }
    this.placement.output(output.tokenCount);
    this.#owner.attemptOutput(this, output);
    if (sequence.output(output) === "engine-overran") {
      this.#overran = true;
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
    if (this.#overran) {
      this.#endIfFinished();
    }
  }

  flush(isLast = false): void {
    if (this.#done) {
      return;
    }
    try {
      this.#owner.attemptFlush(isLast);
    } catch (error) {
      this.#broken(error);
    }
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

  /**
   * Something of ours threw. The request must end with an error, not hang with its engine working on; the worker is not
   * to blame, so its breaker hears nothing.
   */
  #broken(error: unknown): void {
    if (!this.#done) {
      this.cancel();
      this.#owner.attemptBroken(this, error);
    }
  }

  /** Every sequence met its end by the router's own rules although the engine goes on: stop it. */
  #endIfFinished(): void {
    if (this.sequences.every((sequence) => sequence.finished)) {
      this.#call?.cancel();
      // The transport says no more of this call.
      this.#owner.attemptFlush(true);
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
    this.placement.release(BLAMELESS.has(error.code) ? "rejected" : "failure");
    this.#owner.attemptFailed(this, error);
  }
}
