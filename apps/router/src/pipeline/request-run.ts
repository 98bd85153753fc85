import {
  ApiError,
  sseComment,
  type ChoiceFinish,
  type ChoiceOutput,
  type RequestMetrics,
} from "@vllm-router/api";
import { EngineError, type TokenOutput } from "@vllm-router/engine-client";
import type { ClientSide, ExchangeListener } from "../server/exchange.ts";
import { sendApiError } from "../server/send-api-error.ts";
import {
  Generation,
  type GenerationFailure,
  type GenerationOwner,
  type GenerationServices,
} from "./generation.ts";
import { BeamSearch } from "./beam-search/beam-search.ts";
import { CallLimit } from "./beam-search/call-limit.ts";
import { NONE } from "./few-items.ts";
import type { GenerationUnit } from "./generation-unit.ts";
import { failureToApiError, type RequestFailure } from "./request-failure.ts";
import type { RequestPlan } from "./plan.ts";
import { requestMetrics } from "./request-metrics.ts";
import { readPromptLogprobs } from "./logprob-reader.ts";

/** How a request ended, told once. */
export type RunEnd =
  | { readonly kind: "done" }
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly failure: RequestFailure };

/** What a run needs beside its plan and its client. */
export interface RunServices extends GenerationServices {
  now(): number;
  /** Told once, when everything the run held has been given back. */
  ended(run: RequestRun, end: RunEnd): void;
  /** Gap between two writes of a generation's outputs, in milliseconds. */
  outputGap(gapMs: number): void;
}

/** Engine calls that the beam searches of one request make at once. */
const BEAM_CALLS = 64;

/**
 * A request whose prompts are prepared and which has been admitted: runs its generations, renders their outputs, and
 * ends in exactly one of three ways: answered, failed, or left by its client. A full client socket pauses every engine
 * stream of the request.
 */
export class RequestRun implements ExchangeListener, GenerationOwner {
  readonly plan: RequestPlan;
  generations: readonly GenerationUnit[] = NONE;
  readonly startedAtMs: number;
  #beamLimit: CallLimit | undefined;
  readonly #exchange: ClientSide;
  readonly #services: RunServices;
  /** The plan's: a plan is large, and what is asked of it for every token would have to be fetched. */
  readonly #writer: RequestPlan["writer"];
  readonly #measures: boolean;
  readonly #streams: boolean;
  #firstOutputAtMs: number | undefined;
  /** Where the answer says how long it took. */
  #lastOutputAtMs: number | undefined;
  #cancelLook: (() => void) | undefined;
  /** Per generation, when its outputs were last written; NaN or missing before. A plain array: most requests have one. */
  readonly #flushedAtMs: number[] = [Number.NaN];
  #unfinished = 0;
  #over = false;
  #paused = false;

  constructor(plan: RequestPlan, exchange: ClientSide, services: RunServices) {
    this.plan = plan;
    this.#writer = plan.writer;
    this.#measures = plan.measures === true;
    this.#streams = plan.stream;
    this.#exchange = exchange;
    this.#services = services;
    this.startedAtMs = services.now();
    this.#addGenerations();
  }

  /** Instant of the first engine output; undefined before. */
  get firstOutputAtMs(): number | undefined {
    return this.#firstOutputAtMs;
  }

  /** Prompt tokens that engines found in their caches; undefined when no engine said. */
  get cachedTokens(): number | undefined {
    return this.generations.reduce<number | undefined>(
      (sum, { cachedTokens }) => (cachedTokens === undefined ? sum : (sum ?? 0) + cachedTokens),
      undefined,
    );
  }

  /** Output tokens of all sequences so far. */
  get completionTokens(): number {
    return this.generations.reduce(
      (sum, generation) => sum + generation.sequences.reduce((s, sequence) => s + sequence.tokenCount, 0),
      0,
    );
  }

  /** Prompt tokens, every prompt counted once. */
  get promptTokens(): number {
    return this.plan.prompts.reduce((sum, prompt) => sum + prompt.tokenIds.length, 0);
  }

  /** Starts every generation. */
  start(): void {
    this.#exchange.listen(this);
    this.#startFrom(0);
  }

  /** From now on a stream that is idle for `intervalMs` says so in a comment: proxies cut what looks dead. */
  keepAlive(intervalMs: number): void {
    let writtenBefore = this.#exchange.bytesSent;
    const look = (): void => {
      if (this.#exchange.bytesSent === writtenBefore) {
        this.#exchange.append(sseComment("keep-alive"));
        this.#exchange.flush(this.plan.writer.contentType);
      }
      writtenBefore = this.#exchange.bytesSent;
      this.#cancelLook = this.#services.after(intervalMs, look);
    };
    this.#cancelLook = this.#services.after(intervalMs, look);
  }

  /** The router is stopping at once: ends the run as failed. */
  abort(failure: RequestFailure): void {
    this.#fail(failure);
  }

  /**
   * Somebody asked for the end of generations by the ids that vLLM gives them: the answer's own, with the prompt's number
   * where there may be several. They end with the reason `abort`, and the answer says what there is.
   * @param ids undefined for all
   * @returns how many were ended
   */
  abortRequests(ids: ReadonlySet<string> | undefined): number {
    const { responseId } = this.plan;
    let ended = 0;
    for (const generation of this.generations.slice()) {
      const { promptIndex } = generation;
      const named = [responseId, `${responseId}-${promptIndex}`, `${responseId}_${promptIndex}`];
      if (!this.#over && (ids === undefined || named.some((id) => ids.has(id)))) {
        generation.abort();
        ended += 1;
      }
    }
    return ended;
  }

  gone(): void {
    if (!this.#over) {
      this.#end({ kind: "gone" });
    }
  }

  drained(): void {
    if (this.#paused && !this.#over) {
      this.#paused = false;
      for (const generation of this.generations) {
        generation.resume();
      }
    }
  }

  generationStarted(generation: GenerationUnit, output: TokenOutput | undefined): void {
    this.#firstOutputAtMs ??= this.#services.now();
    this.plan.writer.prompt(generation.promptIndex, {
      tokenIds: generation.prompt.tokenIds,
      text: generation.prompt.text,
      firstTokenText: this.#firstTokenText(generation),
      logprobs:
        this.plan.wantedPromptLogprobs === undefined || output?.promptLogprobs === undefined
          ? undefined
          : readPromptLogprobs(
              this.plan.model.tokenizer,
              output.promptLogprobs,
              this.plan.wantedPromptLogprobs,
            ),
    });
  }

  choiceOutput(choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): void {
    if (this.#over) {
      return;
    }
    if (this.#measures && output.tokenCount > 0) {
      this.#lastOutputAtMs = this.#services.now();
    }
    const writer = this.#writer;
    const text = writer.output(choice, output, finish);
    this.#exchange.append(text, writer.isAscii);
  }

  generationFlush(generation: GenerationUnit, isLast: boolean): void {
    if (this.#over || !this.#streams) {
      return;
    }
    const nowMs = this.#services.now();
    const flushedAtMs = this.#flushedAtMs[generation.promptIndex] ?? Number.NaN;
    if (!Number.isNaN(flushedAtMs)) {
      this.#services.outputGap(nowMs - flushedAtMs);
    }
    this.#flushedAtMs[generation.promptIndex] = nowMs;
    if (isLast && this.#unfinished === 1) {
      // The end of the answer, or its error, takes along what was gathered.
      return;
    }
    if (!this.#exchange.flush(this.#writer.contentType) && !this.#paused) {
      this.#paused = true;
      for (const generation of this.generations) {
        generation.pause();
      }
    }
  }

  generationEnded(): void {
    if (this.#over) {
      return;
    }
    this.#unfinished -= 1;
    if (this.#unfinished > 0) {
      return;
    }
    try {
      const ended = this.generations.length;
      this.plan.furtherPrompts?.();
      if (this.#addGenerations() > 0) {
        this.#startFrom(ended);
        return;
      }
      this.#answer();
    } catch (error) {
      if (error instanceof ApiError) {
        this.#fail({ kind: "refused-output", error });
        return;
      }
      this.#services.internalError("answer", error);
      this.#fail({
        kind: "engine",
        error: new EngineError("internal", "Internal server error", { cause: error }),
      });
    }
  }

  generationFailed(_generation: GenerationUnit, failure: GenerationFailure): void {
    this.#fail(failure);
  }

  /** Makes generations of the plan's prompts that have none yet. @returns how many */
  #addGenerations(): number {
    const first = this.generations.length;
    const added = this.plan.prompts.length - first;
    if (added === 0) {
      return 0;
    }
    const generations = [...this.generations];
    for (let index = 0; index < added; index += 1) {
      generations.push(this.#newGeneration(first + index));
    }
    this.generations = generations;
    this.#unfinished += added;
    return added;
  }

  #newGeneration(promptIndex: number): GenerationUnit {
    const { beam } = this.plan;
    const options = { promptIndex, owner: this, services: this.#services };
    return beam === undefined
      ? new Generation(this.plan, options)
      : new BeamSearch(this.plan, {
          ...options,
          beam,
          limit: (this.#beamLimit ??= new CallLimit(BEAM_CALLS)),
        });
  }

  #startFrom(first: number): void {
    for (const generation of this.generations.slice(first)) {
      if (this.#over) {
        return;
      }
      generation.start();
    }
  }

  /** The first prompt token has no logprob, but an echo shows it among those that have. */
  #firstTokenText(generation: GenerationUnit): string | undefined {
    const first = generation.prompt.tokenIds[0];
    return this.plan.wantedPromptLogprobs === undefined || first === undefined
      ? undefined
      : this.plan.model.tokenizer.tokenText(first);
  }

  #metrics(): RequestMetrics {
    return requestMetrics({
      startedAtMs: this.startedAtMs,
      firstOutputAtMs: this.#firstOutputAtMs,
      lastOutputAtMs: this.#lastOutputAtMs,
      tokens: this.completionTokens,
    });
  }

  #answer(): void {
    const { writer } = this.plan;
    const rest = writer.end({
      promptTokens: this.promptTokens,
      cachedTokens: this.cachedTokens,
      kvTransferParams: this.generations[0]?.kvTransferParams,
      metrics: this.plan.measures === true ? this.#metrics() : undefined,
    });
    if (this.plan.stream) {
      this.#exchange.append(rest);
      this.#exchange.endStream(writer.contentType);
    } else {
      this.#exchange.send(200, rest, { "content-type": writer.contentType });
    }
    this.#end({ kind: "done" });
  }

  #fail(failure: RequestFailure): void {
    if (this.#over) {
      return;
    }
    const error = failureToApiError(failure, this.plan.constraintRefusal);
    if (this.#exchange.committed) {
      this.#exchange.append(this.plan.writer.error(error));
      this.#exchange.endStream(this.plan.writer.contentType);
    } else {
      sendApiError(this.#exchange, error);
    }
    this.#end({ kind: "failed", failure });
  }

  #end(end: RunEnd): void {
    this.#over = true;
    this.#cancelLook?.();
    this.#exchange.listen(undefined);
    for (const generation of this.generations) {
      generation.cancel();
    }
    this.#services.ended(this, end);
  }
}
