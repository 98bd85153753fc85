import type { EngineError, GenerateRequest, TokenOutput } from "@vllm-router/engine-client";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import { isRetryable } from "./retryable.ts";
import type { Placement, PlacementFailure, Placer } from "./placement.ts";
import type { PreparedPrompt, RequestPlan } from "./plan.ts";
import { SequenceState, type SequenceListener } from "./sequence-state.ts";

/** What a generation tells the request it belongs to. */
export interface GenerationOwner extends SequenceListener {
  /** First output of this generation, before any of its text is told. */
  generationStarted(generation: Generation, output: TokenOutput): void;
  generationFlush(): void;
  /** All sequences are finished. */
  generationEnded(generation: Generation): void;
  /** Given up: nothing more comes from this generation. */
  generationFailed(generation: Generation, failure: GenerationFailure): void;
}

/** Why a generation was given up: no worker would take it, or the last worker's error. */
export type GenerationFailure =
  | { readonly kind: "not-placed"; readonly failure: PlacementFailure }
  | { readonly kind: "engine"; readonly error: EngineError };

/** What a generation needs beside its request. */
export interface GenerationServices {
  readonly placer: Placer;
  /** Delay before retry number `retry` (1-based) in milliseconds, or undefined when there is none left. */
  retryDelayMs(retry: number): number | undefined;
  /** Runs `action` after a delay; returns the cancellation. */
  after(delayMs: number, action: () => void): () => void;
  retryScheduled(attempt: number, delayMs: number): void;
  retriesExhausted(): void;
  /** A bug: something threw that never should. */
  internalError(where: string, error: unknown): void;
}

/**
 * One prompt with its sequences inside a request. Tries workers until every sequence is finished: a failed attempt is
 * repeated elsewhere as long as none of its unfinished sequences has said anything to the client. Prompt, sampling and
 * text state are prepared once and outlive attempts.
 */
export class Generation implements AttemptOwner {
  readonly promptIndex: number;
  readonly prompt: PreparedPrompt;
  readonly sequences: readonly SequenceState[];
  readonly #plan: RequestPlan;
  readonly #owner: GenerationOwner;
  readonly #services: GenerationServices;
  readonly #live = new Set<Attempt>();
  readonly #excludedWorkers: string[] = [];
  readonly #pendingRetries = new Set<() => void>();
  readonly workersUsed: string[] = [];
  #attempts = 0;
  #retries = 0;
  #started = false;
  #over = false;
  #paused = false;
  #placementReason = "";
  #kvTransferParams: string | undefined;

  constructor(
    plan: RequestPlan,
    options: {
      readonly promptIndex: number;
      readonly owner: GenerationOwner;
      readonly services: GenerationServices;
    },
  ) {
    const prompt = plan.prompts[options.promptIndex];
    if (prompt === undefined) {
      throw new RangeError(`no prompt ${options.promptIndex}`);
    }
    this.#plan = plan;
    this.#owner = options.owner;
    this.#services = options.services;
    this.promptIndex = options.promptIndex;
    this.prompt = prompt;
    const { n } = prompt.sampling;
    this.sequences = Array.from(
      { length: n },
      (_, ordinal) =>
        new SequenceState(plan, {
          prompt,
          ordinal,
          choice: options.promptIndex * n + ordinal,
          listener: options.owner,
        }),
    );
  }

  /** Attempts made so far. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Why the last decision placed this generation where it did. */
  get placementReason(): string {
    return this.#placementReason;
  }

  /** What the KV connector returned, as JSON text; undefined where there is none. */
  get kvTransferParams(): string | undefined {
    return this.#kvTransferParams;
  }

  /** Places the generation and starts it. May report failure at once. */
  start(): void {
    this.#try(this.sequences);
  }

  /** Ends all work of this generation silently. */
  cancel(): void {
    this.#over = true;
    for (const cancelRetry of this.#pendingRetries) {
      cancelRetry();
    }
    this.#pendingRetries.clear();
    for (const attempt of this.#live) {
      attempt.cancel();
    }
    this.#live.clear();
  }

  pause(): void {
    this.#paused = true;
    for (const attempt of this.#live) {
      attempt.pause();
    }
  }

  resume(): void {
    this.#paused = false;
    for (const attempt of this.#live) {
      attempt.resume();
    }
  }

  attemptOutput(_attempt: Attempt, output: TokenOutput): void {
    if (!this.#started) {
      this.#started = true;
      this.#owner.generationStarted(this, output);
    }
  }

  attemptReturnedKvParams(params: string): void {
    this.#kvTransferParams ??= params;
  }

  attemptFlush(): void {
    this.#owner.generationFlush();
  }

  attemptBroken(error: unknown): void {
    this.#services.internalError("generation", error);
  }

  attemptEnded(attempt: Attempt): void {
    this.#live.delete(attempt);
    if (!this.#over && this.sequences.every((sequence) => sequence.finished)) {
      this.#over = true;
      this.#owner.generationEnded(this);
    }
  }

  attemptFailed(attempt: Attempt, error: EngineError): void {
    this.#live.delete(attempt);
    if (this.#over) {
      return;
    }
    const unfinished = attempt.sequences.filter((sequence) => !sequence.finished);
    if (unfinished.some((sequence) => sequence.started) || !isRetryable(error)) {
      this.#giveUp({ kind: "engine", error });
      return;
    }
    this.#excludedWorkers.push(attempt.placement.workerId);
    this.#retry(unfinished, { kind: "engine", error });
  }

  #retry(sequences: readonly SequenceState[], failure: GenerationFailure): void {
    this.#retries += 1;
    const delayMs = this.#services.retryDelayMs(this.#retries);
    if (delayMs === undefined) {
      this.#services.retriesExhausted();
      this.#giveUp(failure);
      return;
    }
    this.#services.retryScheduled(this.#retries, delayMs);
    const cancel = this.#services.after(delayMs, () => {
      this.#pendingRetries.delete(cancel);
      this.#try(sequences);
    });
    this.#pendingRetries.add(cancel);
  }

  #try(sequences: readonly SequenceState[]): void {
    const result = this.#services.placer.place({
      plan: this.#plan,
      prompt: this.prompt,
      excludedWorkers: this.#excludedWorkers,
      sequences: sequences.length,
    });
    if (result.kind === "not-placed") {
      this.#notPlaced(sequences, result.failure);
      return;
    }
    const { placement } = result;
    const together =
      sequences.length === this.sequences.length && placement.engine.capabilities.severalSequences;
    if (together || sequences.length === 1) {
      this.#run(sequences, placement);
      return;
    }
    const [first, ...others] = sequences;
    if (first !== undefined) {
      this.#run([first], placement);
    }
    for (const sequence of others) {
      this.#try([sequence]);
    }
  }

  #notPlaced(sequences: readonly SequenceState[], failure: PlacementFailure): void {
    // Every worker was tried and failed: the ones that failed may have come back, a later retry may ask them again.
    if (this.#excludedWorkers.length > 0 && failure.code === "no_worker") {
      this.#excludedWorkers.length = 0;
      this.#retry(sequences, { kind: "not-placed", failure });
      return;
    }
    this.#giveUp({ kind: "not-placed", failure });
  }

  #run(sequences: readonly SequenceState[], placement: Placement): void {
    this.#attempts += 1;
    this.#placementReason = placement.reason;
    if (!this.workersUsed.includes(placement.workerId)) {
      this.workersUsed.push(placement.workerId);
    }
    const attempt = new Attempt(this, sequences, placement);
    this.#live.add(attempt);
    attempt.started(placement.engine.generate(this.#engineRequest(sequences, placement), attempt));
    if (this.#paused) {
      attempt.pause();
    }
  }

  #engineRequest(sequences: readonly SequenceState[], placement: Placement): GenerateRequest {
    const { sampling } = this.prompt;
    const first = sequences[0];
    const alone = sequences.length !== this.sequences.length;
    const seed =
      sampling.seed === undefined || !alone ? sampling.seed : sampling.seed + (first?.ordinal ?? 0);
    return {
      requestId: this.#engineRequestId(alone ? first : undefined),
      tokenIds: this.prompt.tokenIds,
      sampling: alone ? { ...sampling, n: 1, seed } : sampling,
      stream: this.#plan.stream,
      deadlineAtMs: placement.deadlineAtMs,
      rank: placement.rank ?? this.#plan.rank,
      kvTransferParams: this.#plan.kvTransferParams,
      metadata: this.#plan.metadata,
    };
  }

  /** Unique per attempt: an engine refuses an id it still knows. */
  #engineRequestId(alone: SequenceState | undefined): string {
    const parts = [`${this.#plan.responseId}-${this.promptIndex}`];
    if (alone !== undefined) {
      parts.push(`s${alone.ordinal}`);
    }
    if (this.#attempts > 1) {
      parts.push(`a${this.#attempts}`);
    }
    return parts.join("-");
  }

  #giveUp(failure: GenerationFailure): void {
    if (!this.#over) {
      this.cancel();
      this.#owner.generationFailed(this, failure);
    }
  }
}
