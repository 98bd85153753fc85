import { EngineError, type GenerateRequest, type TokenOutput } from "@vllm-router/engine-client";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import { joined, NONE, without } from "./few-items.ts";
import type { GenerationUnit } from "./generation-unit.ts";
import { isRetryable } from "./retryable.ts";
import type { Placement, PlacementFailure, PlacementResult, Placer } from "./placement.ts";
import type { PreparedPrompt, RequestPlan } from "./plan.ts";
import { SequenceState, type SequenceListener } from "./sequence-state.ts";

/** What a generation tells the request it belongs to. */
export interface GenerationOwner extends SequenceListener {
  /** First output of this generation, before any of its text is told; undefined where it ends without one. */
  generationStarted(generation: GenerationUnit, output: TokenOutput | undefined): void;
  /** Write now what was told; or, when `isLast`, with the end or failure of the generation, which follows at once. */
  generationFlush(generation: GenerationUnit, isLast: boolean): void;
  /** All sequences are finished. */
  generationEnded(generation: GenerationUnit): void;
  /** Given up: nothing more comes from this generation. */
  generationFailed(generation: GenerationUnit, failure: GenerationFailure): void;
}

/** Why a generation was given up: no worker would take it, or the last worker's error. */
export type GenerationFailure =
  | { readonly kind: "not-placed"; readonly failure: PlacementFailure }
  | { readonly kind: "engine"; readonly error: EngineError };

/** What a generation needs beside its request. */
export interface GenerationServices {
  readonly placer: Placer;
  /** Told to engines as part of request ids: two clients may give two requests one id. */
  uniqueId(): string;
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
export class Generation implements AttemptOwner, GenerationUnit {
  readonly promptIndex: number;
  readonly prompt: PreparedPrompt;
  readonly sequences: readonly SequenceState[];
  readonly #plan: RequestPlan;
  readonly #owner: GenerationOwner;
  readonly #services: GenerationServices;
  /** One, or as many as sequences that run alone. */
  #live: readonly Attempt[] = NONE;
  /** Workers that failed this generation; forgotten when there is nobody else. */
  readonly #excludedWorkers: string[] = [];
  readonly #engineId: string;
  #pendingRetries: readonly (() => void)[] = NONE;
  workersUsed: readonly string[] = NONE;
  #attempts = 0;
  #started = false;
  /** An engine was met that runs one sequence a call. */
  #fansOut = false;
  #cachedTokens: number | undefined;
  #over = false;
  #paused = false;
  #placementReason = "";
  #deadlineAtMs: number | undefined;
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
    this.#engineId = `${plan.responseId}-${options.promptIndex}-${options.services.uniqueId()}`;
    const { n } = prompt.sampling;
    const sequences: SequenceState[] = [];
    for (let ordinal = 0; ordinal < n; ordinal += 1) {
      const choice = options.promptIndex * n + ordinal;
      sequences.push(new SequenceState(plan, { prompt, ordinal, choice, listener: options.owner }));
    }
    this.sequences = sequences;
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

  /** Prompt tokens that the engine found in its cache; undefined where engines do not say, or before the first output. */
  get cachedTokens(): number | undefined {
    return this.#cachedTokens;
  }

  /** Instant at which its first attempt would have failed; undefined for never, or before that attempt. */
  get deadlineAtMs(): number | undefined {
    return this.#deadlineAtMs;
  }

  /** Places the generation and starts it. May report failure at once. */
  start(): void {
    this.#try(this.sequences, 0);
  }

  /** Ends all work of this generation silently. */
  cancel(): void {
    this.#over = true;
    for (const cancelRetry of this.#pendingRetries) {
      cancelRetry();
    }
    this.#pendingRetries = NONE;
    for (const attempt of this.#live) {
      attempt.cancel();
    }
    this.#live = NONE;
  }

  abort(): void {
    if (this.#over) {
      return;
    }
    this.cancel();
    if (!this.#started) {
      this.#owner.generationStarted(this, undefined);
    }
    for (const sequence of this.sequences) {
      sequence.finish({ reason: "abort", matchedStop: undefined, kvTransferParams: undefined });
    }
    this.#owner.generationFlush(this, true);
    this.#owner.generationEnded(this);
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

  attemptOutput(attempt: Attempt, output: TokenOutput): void {
    if (!this.#started) {
      this.#started = true;
      const { placement } = attempt;
      const told = placement.engine.capabilities.reportsCachedTokens ? output.cachedTokens : undefined;
      this.#cachedTokens = placement.cachedTokens === undefined ? told : placement.cachedTokens();
      if (told !== undefined) placement.found?.(told);
      this.#owner.generationStarted(this, output);
    }
  }

  attemptReturnedKvParams(params: string): void {
    this.#kvTransferParams ??= params;
  }

  attemptFlush(isLast: boolean): void {
    this.#owner.generationFlush(this, isLast && this.sequences.every((sequence) => sequence.finished));
  }

  attemptBroken(attempt: Attempt, error: unknown): void {
    this.#live = without(this.#live, attempt);
    this.#broken(error);
  }

  attemptEnded(attempt: Attempt): void {
    this.#live = without(this.#live, attempt);
    this.#endIfFinished();
  }

  attemptFailed(attempt: Attempt, error: EngineError): void {
    this.#live = without(this.#live, attempt);
    if (this.#over) {
      return;
    }
    try {
      const unfinished = this.#unfinishedOf(attempt);
      if (unfinished.length === 0) {
        this.#owner.generationFlush(this, true);
        this.#endIfFinished();
        return;
      }
      if (unfinished.some((sequence) => sequence.started) || !isRetryable(error)) {
        this.#giveUp({ kind: "engine", error });
        return;
      }
      const { placement } = attempt;
      const { workerId } = placement;
      if (placement.isSpared?.() !== true && !this.#excludedWorkers.includes(workerId)) {
        this.#excludedWorkers.push(workerId);
      }
      this.#retry(unfinished, { failedTries: attempt.failedTries + 1, failure: { kind: "engine", error } });
    } catch (thrown) {
      this.#broken(thrown);
    }
  }

  /** What a failed attempt leaves to be done: a sequence whose last token has come needs nobody any more. */
  #unfinishedOf(attempt: Attempt): readonly SequenceState[] {
    // The end of a generation carries more than its reason where a KV connector answers.
    const needsFinish = this.#plan.kvTransferParams !== undefined;
    return attempt.sequences.filter((sequence) =>
      needsFinish ? !sequence.finished : !sequence.endAsExpected(),
    );
  }

  #endIfFinished(): void {
    if (!this.#over && this.sequences.every((sequence) => sequence.finished)) {
      this.#over = true;
      this.#owner.generationEnded(this);
    }
  }

  /** A bug: the generation ends with an error instead of hanging. */
  #broken(error: unknown): void {
    this.#services.internalError("generation", error);
    this.#giveUp({
      kind: "engine",
      error: new EngineError("internal", "Internal server error", { cause: error }),
    });
  }

  #retry(
    sequences: readonly SequenceState[],
    cause: { readonly failedTries: number; readonly failure: GenerationFailure },
  ): void {
    const { failedTries, failure } = cause;
    const delayMs = this.#services.retryDelayMs(failedTries);
    if (delayMs === undefined) {
      this.#services.retriesExhausted();
      this.#giveUp(failure);
      return;
    }
    this.#services.retryScheduled(failedTries, delayMs);
    const cancel = this.#services.after(delayMs, () => {
      this.#pendingRetries = without(this.#pendingRetries, cancel);
      this.#try(sequences, failedTries);
    });
    this.#pendingRetries = joined(this.#pendingRetries, cancel);
  }

  #try(sequences: readonly SequenceState[], failedTries: number): void {
    const isWhole = sequences.length === this.sequences.length;
    if (sequences.length > 1 && (this.#fansOut || !isWhole)) {
      for (const sequence of sequences) {
        this.#try([sequence], failedTries);
      }
      return;
    }
    if (this.#over) {
      return;
    }
    try {
      this.#placeAndRun(sequences, failedTries);
    } catch (error) {
      this.#broken(error);
    }
  }

  #placeAndRun(sequences: readonly SequenceState[], failedTries: number): void {
    const placement = this.#place(sequences, failedTries);
    if (placement === undefined) {
      return;
    }
    if (sequences.length > 1 && !placement.engine.capabilities.severalSequences) {
      // It was booked for all of them, and will run one.
      placement.release("cancelled");
      this.#fansOut = true;
      this.#try(sequences, failedTries);
      return;
    }
    this.#run(sequences, { placement, failedTries });
  }

  /** @returns undefined when there is no place: then a retry is under way, or the generation given up */
  #place(sequences: readonly SequenceState[], failedTries: number): Placement | undefined {
    let result = this.#ask(sequences);
    if (isFull(result) && this.#excludedWorkers.length > 0) {
      // Nobody else is left: the workers that failed may have come back by now.
      this.#excludedWorkers.length = 0;
      result = this.#ask(sequences);
    }
    if (result.kind === "placed") {
      return result.placement;
    }
    if (failedTries > 0 && isFull(result)) {
      this.#retry(sequences, { failedTries: failedTries + 1, failure: result });
    } else {
      this.#giveUp(result);
    }
    return undefined;
  }

  #ask(sequences: readonly SequenceState[]): PlacementResult {
    return this.#services.placer.place({
      plan: this.#plan,
      prompt: this.prompt,
      excludedWorkers: this.#excludedWorkers,
      sequences: sequences.length,
    });
  }

  #run(
    sequences: readonly SequenceState[],
    on: { readonly placement: Placement; readonly failedTries: number },
  ): void {
    const { placement } = on;
    this.#attempts += 1;
    this.#placementReason = placement.reason;
    this.#deadlineAtMs ??= placement.deadlineAtMs;
    if (!this.workersUsed.includes(placement.workerId)) {
      this.workersUsed = joined(this.workersUsed, placement.workerId);
    }
    const attempt = new Attempt(this, { sequences, ...on });
    this.#live = joined(this.#live, attempt);
    attempt.start(this.#engineRequest(sequences, placement));
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
      recurring: this.prompt.recurring,
      sampling: alone ? { ...sampling, n: 1, seed } : sampling,
      // An engine that is to be stopped in the middle, or measured, has to be heard in the middle.
      stream: this.#plan.stream || this.#plan.repetition !== undefined || this.#plan.measures === true,
      deadlineAtMs: earlier(placement.deadlineAtMs, this.#plan.deadlineAtMs),
      rank: placement.rank ?? this.#plan.rank,
      kvTransferParams: this.#plan.kvTransferParams,
      ...this.#plan.engineFields,
      metadata: this.#plan.metadata,
    };
  }

  /** Unique per attempt: an engine refuses an id it still knows. */
  #engineRequestId(alone: SequenceState | undefined): string {
    const sequence = alone === undefined ? "" : `-s${alone.ordinal}`;
    const attempt = this.#attempts > 1 ? `-a${this.#attempts}` : "";
    return `${this.#engineId}${sequence}${attempt}`;
  }

  #giveUp(failure: GenerationFailure): void {
    if (!this.#over) {
      this.cancel();
      this.#owner.generationFailed(this, failure);
    }
  }
}

function earlier(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? (left ?? right) : Math.min(left, right);
}

/** No worker is free of faults now; that may change. */
function isFull(result: PlacementResult): boolean {
  return result.kind === "not-placed" && result.failure.code === "no_worker";
}
