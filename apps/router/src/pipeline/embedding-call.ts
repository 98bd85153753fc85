import { EngineError, type Embedding, type EngineErrorCode } from "@vllm-router/engine-client";
import type { EmbeddingPlacement, PlacementFailure } from "./placement.ts";
import type { RequestFailure } from "./request-failure.ts";
import { isRetryable } from "./retryable.ts";

/** Errors that are about the request: the worker is well. */
const BLAMELESS: ReadonlySet<EngineErrorCode> = new Set(["rejected", "unimplemented"]);

/** Outcome of choosing a worker for one prompt. */
export type EmbeddingPlacementResult =
  | { readonly kind: "placed"; readonly placement: EmbeddingPlacement }
  | { readonly kind: "not-placed"; readonly failure: PlacementFailure };

/** What a call tells the run it belongs to: exactly one of the two, once, unless it was cancelled. */
export interface EmbeddingCallOwner {
  embedded(call: EmbeddingCall, embedding: Embedding): void;
  failed(call: EmbeddingCall, failure: RequestFailure): void;
}

/** What a call needs. */
export interface EmbeddingCallServices {
  /** Chooses and books a worker; the workers named have already failed this prompt. */
  place(tokenIds: Int32Array, excludedWorkers: readonly string[]): EmbeddingPlacementResult;
  retryDelayMs(retry: number): number | undefined;
  after(delayMs: number, action: () => void): () => void;
  retryScheduled(attempt: number, delayMs: number): void;
  retriesExhausted(): void;
  /** A bug: something threw that never should. */
  internalError(where: string, error: unknown): void;
}

/** One prompt of a request on its way through an engine, tried on another worker when one fails. */
export class EmbeddingCall {
  /** Position of the prompt in the request. */
  readonly index: number;
  readonly workersUsed: string[] = [];
  readonly #tokenIds: Int32Array;
  readonly #engineId: string;
  readonly #metadata: Readonly<Record<string, string>> | undefined;
  readonly #owner: EmbeddingCallOwner;
  readonly #services: EmbeddingCallServices;
  readonly #excluded: string[] = [];
  /** The place that is held now. */
  #held: EmbeddingPlacement | undefined;
  #reason = "";
  #abort: AbortController | undefined;
  #cancelRetry: (() => void) | undefined;
  #failedTries = 0;
  #attempts = 0;
  #over = false;

  constructor(
    prompt: {
      readonly index: number;
      readonly tokenIds: Int32Array;
      /** Unique among the requests an engine knows. */
      readonly engineId: string;
      readonly metadata: Readonly<Record<string, string>> | undefined;
    },
    owner: EmbeddingCallOwner,
    services: EmbeddingCallServices,
  ) {
    this.index = prompt.index;
    this.#tokenIds = prompt.tokenIds;
    this.#engineId = prompt.engineId;
    this.#metadata = prompt.metadata;
    this.#owner = owner;
    this.#services = services;
  }

  /** Attempts made so far. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Why the last worker was chosen. */
  get placementReason(): string {
    return this.#reason;
  }

  /** Tries the prompt on a worker. What choosing one throws (a bug) ends the call, and is not thrown. */
  start(): void {
    try {
      this.#try();
    } catch (error) {
      this.#giveUp({ kind: "engine", error: this.#engineError(error) });
    }
  }

  #try(): void {
    const result = this.#ask();
    if (result.kind === "placed") {
      this.#run(result.placement);
    } else if (this.#failedTries > 0 && result.failure.code === "no_worker") {
      this.#retry({ kind: "not-placed", failure: result.failure });
    } else {
      this.#giveUp({ kind: "not-placed", failure: result.failure });
    }
  }

  /** Ends the engine's work without a word to the owner. */
  cancel(): void {
    if (!this.#over) {
      this.#over = true;
      this.#cancelRetry?.();
      this.#abort?.abort();
      this.#held?.release("cancelled");
    }
  }

  #ask(): EmbeddingPlacementResult {
    const result = this.#services.place(this.#tokenIds, this.#excluded);
    if (result.kind === "not-placed" && result.failure.code === "no_worker" && this.#excluded.length > 0) {
      // Nobody else is left: the workers that failed may have come back by now.
      this.#excluded.length = 0;
      return this.#services.place(this.#tokenIds, this.#excluded);
    }
    return result;
  }

  #run(placement: EmbeddingPlacement): void {
    this.#held = placement;
    this.#reason = placement.reason;
    this.#attempts += 1;
    if (!this.workersUsed.includes(placement.workerId)) {
      this.workersUsed.push(placement.workerId);
    }
    const abort = new AbortController();
    this.#abort = abort;
    const requestId = this.#attempts > 1 ? `${this.#engineId}-a${this.#attempts}` : this.#engineId;
    placement
      .embed(
        { requestId, tokenIds: this.#tokenIds },
        { signal: abort.signal, deadlineAtMs: placement.deadlineAtMs, metadata: this.#metadata },
      )
      .then(
        (embedding) => this.#succeed(placement, embedding),
        (error: unknown) => this.#fail(placement, error),
      );
  }

  #succeed(placement: EmbeddingPlacement, embedding: Embedding): void {
    if (!this.#over) {
      this.#over = true;
      placement.release("success");
      this.#owner.embedded(this, embedding);
    }
  }

  #fail(placement: EmbeddingPlacement, thrown: unknown): void {
    if (this.#over) {
      return;
    }
    const error = this.#engineError(thrown);
    this.#held = undefined;
    placement.release(BLAMELESS.has(error.code) ? "rejected" : "failure");
    const failure: RequestFailure = { kind: "engine", error };
    if (isRetryable(error)) {
      this.#excluded.push(placement.workerId);
      this.#retry(failure);
    } else {
      this.#giveUp(failure);
    }
  }

  #engineError(thrown: unknown): EngineError {
    if (thrown instanceof EngineError) {
      return thrown;
    }
    this.#services.internalError("embedding", thrown);
    return new EngineError("internal", "Internal server error", { cause: thrown });
  }

  #retry(failure: RequestFailure): void {
    this.#failedTries += 1;
    const delayMs = this.#services.retryDelayMs(this.#failedTries);
    if (delayMs === undefined) {
      this.#services.retriesExhausted();
      this.#giveUp(failure);
      return;
    }
    this.#services.retryScheduled(this.#failedTries, delayMs);
    this.#cancelRetry = this.#services.after(delayMs, () => this.start());
  }

  #giveUp(failure: RequestFailure): void {
    this.#over = true;
    this.#owner.failed(this, failure);
  }
}
