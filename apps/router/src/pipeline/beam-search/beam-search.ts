import type { ChoiceOutput, PositionLogprobs } from "@vllm-router/api";
import type { TokenOutput } from "@vllm-router/engine-client";
import {
  Generation,
  type GenerationFailure,
  type GenerationOwner,
  type GenerationServices,
} from "../generation.ts";
import type { GenerationUnit, SequenceProgress } from "../generation-unit.ts";
import type { BeamPlan, PreparedPrompt, RequestPlan } from "../plan.ts";
import { type BeamAnswer, Beams } from "./beams.ts";
import type { CallLimit } from "./call-limit.ts";

/** One beam's engine call of the current step. */
interface StepCall {
  readonly generation: Generation;
  position: PositionLogprobs | undefined;
  finishReason: string | undefined;
}

/**
 * Beam search over one prompt: step by step one engine call of one token a beam, with the logprobs of the candidates.
 * Each call is a generation of its own, so it is placed, tried again and cancelled as any other; the answers are told
 * when the last step is done.
 */
export class BeamSearch implements GenerationUnit {
  readonly promptIndex: number;
  readonly prompt: PreparedPrompt;
  readonly workersUsed: string[] = [];
  readonly cachedTokens = undefined;
  readonly kvTransferParams = undefined;
  readonly #plan: RequestPlan;
  readonly #beam: BeamPlan;
  readonly #owner: GenerationOwner;
  readonly #services: GenerationServices;
  readonly #limit: CallLimit;
  readonly #beams: Beams;
  #sequences: readonly SequenceProgress[] = [];
  #calls: readonly StepCall[] = [];
  #unfinishedCalls = 0;
  #steps = 0;
  #attempts = 0;
  #placementReason = "";
  /** The time limit of a request is that of its first call. */
  #deadlineAtMs: number | undefined;
  #hasStarted = false;
  #isOver = false;

  constructor(
    plan: RequestPlan,
    options: {
      readonly beam: BeamPlan;
      readonly promptIndex: number;
      readonly owner: GenerationOwner;
      readonly services: GenerationServices;
      /** Bounds the calls of all searches of a request. */
      readonly limit: CallLimit;
    },
  ) {
    const prompt = plan.prompts[options.promptIndex];
    if (prompt === undefined) {
      throw new RangeError(`no prompt ${options.promptIndex}`);
    }
    this.#plan = plan;
    this.#beam = options.beam;
    this.#owner = options.owner;
    this.#services = options.services;
    this.#limit = options.limit;
    this.promptIndex = options.promptIndex;
    this.prompt = prompt;
    this.#beams = new Beams(prompt.tokenIds, {
      ...options.beam.settings,
      endOfSequenceTokenId: plan.model.endOfSequenceTokenId,
    });
  }

  get sequences(): readonly SequenceProgress[] {
    return this.#sequences;
  }

  get attempts(): number {
    return this.#attempts + this.#calls.reduce((sum, { generation }) => sum + generation.attempts, 0);
  }

  get placementReason(): string {
    return this.#placementReason;
  }

  start(): void {
    this.#nextStep();
  }

  cancel(): void {
    this.#isOver = true;
    this.#limit.clear();
    for (const { generation } of this.#calls) {
      generation.cancel();
    }
  }

  abort(): void {
    // The calls of a beam search have ids of their own, in vLLM as well: nobody can name them.
  }

  pause(): void {
    // Nothing is written before the end, and the end is as large as it is.
  }

  resume(): void {
    // As above.
  }

  #nextStep(): void {
    if (this.#steps >= this.prompt.sampling.maxTokens || this.#beams.running.length === 0) {
      this.#finish();
      return;
    }
    this.#steps += 1;
    this.#attempts = this.attempts;
    const { running } = this.#beams;
    this.#unfinishedCalls = running.length;
    const calls = running.map((beam) => this.#call(beam.tokenIds));
    this.#calls = calls;
    for (const { generation } of calls) {
      if (this.#isOver) {
        return;
      }
      this.#limit.start(() => generation.start());
    }
  }

  #call(tokenIds: Int32Array): StepCall {
    const { stepSampling, candidates } = this.#beam;
    const owner: GenerationOwner = {
      choiceOutput: (_choice, { logprobs }, finish) => {
        // The output is reused, its logprobs are not.
        call.position ??= logprobs?.[0];
        call.finishReason = finish?.reason ?? call.finishReason;
      },
      generationStarted: (_generation, output) => this.#started(output),
      generationFlush: () => undefined,
      generationEnded: () => this.#callEnded(call),
      generationFailed: (_generation, failure) => this.#failed(failure),
    };
    const plan: RequestPlan = {
      ...this.#plan,
      prompts: [{ tokenIds, text: undefined, sampling: stepSampling }],
      stream: false,
      wantedLogprobs: candidates,
      wantedPromptLogprobs: undefined,
      deadlineAtMs: this.#deadlineAtMs,
    };
    const call: StepCall = {
      generation: new Generation(plan, { promptIndex: 0, owner, services: this.#services }),
      position: undefined,
      finishReason: undefined,
    };
    return call;
  }

  #started(output: TokenOutput | undefined): void {
    if (!this.#hasStarted && !this.#isOver) {
      this.#hasStarted = true;
      this.#owner.generationStarted(this, output);
    }
  }

  #callEnded(call: StepCall): void {
    const { generation } = call;
    this.#placementReason = generation.placementReason;
    this.#deadlineAtMs ??= generation.deadlineAtMs;
    for (const worker of generation.workersUsed) {
      if (!this.workersUsed.includes(worker)) {
        this.workersUsed.push(worker);
      }
    }
    this.#unfinishedCalls -= 1;
    this.#limit.ended();
    if (this.#unfinishedCalls > 0 || this.#isOver) {
      return;
    }
    if (this.#calls.some(({ finishReason }) => finishReason === "abort")) {
      this.#beams.abort("abort");
      this.#finish();
      return;
    }
    this.#beams.step(this.#calls.map(({ position }) => position?.top ?? []));
    this.#nextStep();
  }

  #failed(failure: GenerationFailure): void {
    if (!this.#isOver) {
      this.cancel();
      this.#owner.generationFailed(this, failure);
    }
  }

  #finish(): void {
    const answers = this.#beams.best();
    this.#isOver = true;
    this.#sequences = answers.map(({ tokenIds, finish }) => ({
      tokenCount: tokenIds.length,
      finishReason: finish.reason,
    }));
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      this.#owner.generationStarted(this, NOTHING);
    }
    const first = this.promptIndex * this.#beam.settings.width;
    for (const [at, answer] of answers.entries()) {
      this.#owner.choiceOutput(first + at, this.#output(answer), answer.finish);
    }
    this.#owner.generationEnded(this);
  }

  #output(answer: BeamAnswer): ChoiceOutput {
    const { tokenizer } = this.#plan.model;
    const { skipSpecialTokens } = this.#beam.settings;
    return {
      text: tokenizer.decode(answer.textTokenIds, { skipSpecialTokens }),
      tokenIds: answer.tokenIds,
      tokenCount: answer.tokenIds.length,
      logprobs:
        this.#plan.wantedLogprobs === undefined
          ? undefined
          : answer.logprobs.map((position) => ({
              ...position,
              token: tokenizer.tokenText(position.tokenId),
              // vLLM decodes these tokens alone: a part of a character is not put together.
              top: position.top.map((entry) => ({ ...entry, token: tokenizer.tokenText(entry.tokenId) })),
            })),
    };
  }
}

/** The output of a search of no steps. */
const NOTHING: TokenOutput = {
  index: 0,
  tokenIds: [],
  tokenCount: 0,
  logprobs: undefined,
  promptLogprobs: undefined,
  promptTokens: 0,
  cachedTokens: 0,
};
