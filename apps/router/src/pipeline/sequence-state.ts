import type { ChoiceFinish, ChoiceOutput, PositionLogprobs } from "@vllm-router/api";
import type { SequenceFinish, TokenOutput } from "@vllm-router/engine-client";
import { createSequenceText, type SequenceText } from "@vllm-router/text";
import { GatheredOutput } from "./gathered-output.ts";
import { OutputLogprobReader } from "./logprob-reader.ts";
import type { PreparedPrompt, RequestPlan } from "./plan.ts";

/** Receives what a sequence has to say to the client. */
export interface SequenceListener {
  choiceOutput(choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): void;
}

/** The last output of a sequence, kept back until the engine confirms it. */
interface HeldOutput {
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly tokenCount: number;
  readonly logprobs: readonly PositionLogprobs[] | undefined;
}

/** The one object in which live outputs travel to the writer. */
interface ReusedOutput {
  text: string;
  tokenIds: ArrayLike<number>;
  tokenCount: number;
  logprobs: readonly PositionLogprobs[] | undefined;
}

/** One for all sequences, which is always near: a sequence's own would have to be fetched at every token. */
const reused: ReusedOutput = { text: "", tokenIds: [], tokenCount: 0, logprobs: undefined };
const NO_IDS: ReadonlySet<number> = new Set();

/** What {@link SequenceState.output} asks of the attempt. */
export type OutputVerdict = "go-on" | "engine-overran";

/**
 * One sequence of a generation: its text state, and the rule that puts the reason of the end on the same chunk as the
 * last token, as vLLM does, although a gRPC engine says both in two messages. The sequence knows by vLLM's stop rules
 * that a token must be the last one; that output is held until the engine confirms it.
 */
export class SequenceState {
  /** Number of the choice in the response. */
  readonly choice: number;
  /** Position among the sequences of its prompt; a seed is the request's plus this, as vLLM derives it. */
  readonly ordinal: number;
  readonly #listener: SequenceListener;
  readonly #text: SequenceText;
  readonly #logprobs: OutputLogprobReader | undefined;
  /** `stream_interval`; undefined where every output is told as it comes. */
  readonly #gathered: GatheredOutput | undefined;
  #held: HeldOutput | undefined;
  #started = false;
  #finishReason: string | undefined;

  constructor(
    plan: RequestPlan,
    options: {
      readonly prompt: PreparedPrompt;
      readonly choice: number;
      readonly ordinal: number;
      readonly listener: SequenceListener;
    },
  ) {
    const { prompt } = options;
    const { sampling } = prompt;
    this.choice = options.choice;
    this.ordinal = options.ordinal;
    this.#listener = options.listener;
    this.#text = createSequenceText({
      tokenizer: plan.model.tokenizer,
      promptTokenIds: prompt.tokenIds,
      skipSpecialTokens: sampling.skipSpecialTokens,
      spacesBetweenSpecialTokens: sampling.spacesBetweenSpecialTokens,
      stop: sampling.stop,
      includeStopString: sampling.includeStopStringInOutput,
      minTokens: sampling.minTokens,
      maxTokens: sampling.maxTokens,
      ignoreEos: sampling.ignoreEos,
      endOfSequenceTokenId: plan.model.endOfSequenceTokenId,
      stopTokenIds: sampling.stopTokenIds.length === 0 ? NO_IDS : new Set(sampling.stopTokenIds),
      repetition: plan.repetition,
    });
    const { streamInterval = 1 } = plan;
    this.#gathered = streamInterval > 1 ? new GatheredOutput(streamInterval) : undefined;
    this.#logprobs =
      plan.wantedLogprobs === undefined
        ? undefined
        : new OutputLogprobReader(plan.model.tokenizer, plan.wantedLogprobs);
  }

  /** True once an output arrived: from then on another worker cannot simply start over on a committed stream. */
  get started(): boolean {
    return this.#started;
  }

  /** True once the client was told the end. */
  get finished(): boolean {
    return this.#finishReason !== undefined;
  }

  /** Reason told to the client; undefined while running. */
  get finishReason(): string | undefined {
    return this.#finishReason;
  }

  /** Output tokens so far. */
  get tokenCount(): number {
    return this.#text.tokenCount;
  }

  /** Takes one engine output. */
  output(output: TokenOutput): OutputVerdict {
    if (this.#finishReason !== undefined) {
      return "engine-overran";
    }
    if (this.#held !== undefined) {
      if (output.tokenCount === 0) {
        return "go-on";
      }
      this.endAsExpected();
      return "engine-overran";
    }
    this.#started = true;
    const delta = this.#text.push(output.tokenIds, output.tokenCount);
    // Tokens behind the end of the sequence, in an output of several, are not the client's.
    const tokenCount = delta.tokenEnd - delta.tokenStart;
    const logprobs =
      output.logprobs === undefined
        ? undefined
        : this.#logprobs?.read(output, { logprobs: output.logprobs, count: tokenCount });
    if (this.#text.expectedFinish !== undefined) {
      const tokenIds: number[] = [];
      for (let at = 0; at < tokenCount; at += 1) {
        tokenIds.push(output.tokenIds[at] ?? 0);
      }
      this.#held = { text: delta.text, tokenIds, tokenCount, logprobs };
      if (this.#text.expectedFinish.reason !== "repetition") {
        return "go-on";
      }
      // The engine knows nothing of repetition and would go on.
      this.endAsExpected();
      return "engine-overran";
    }
    reused.text = delta.text;
    reused.tokenIds = output.tokenIds;
    reused.tokenCount = tokenCount;
    reused.logprobs = logprobs;
    const told = this.#gathered === undefined ? reused : this.#gathered.take(reused);
    if (told !== undefined) {
      this.#listener.choiceOutput(this.choice, told, undefined);
    }
    return "go-on";
  }

  /**
   * Ends a sequence whose last output is held, by the rules that made it the last one: for when the engine goes on, or
   * dies before it could say so.
   * @returns true when the sequence is finished
   */
  endAsExpected(): boolean {
    const expected = this.#text.expectedFinish;
    if (this.#held !== undefined && expected !== undefined) {
      this.#tellHeld({ reason: expected.reason, stopReason: expected.stopReason });
    }
    return this.finished;
  }

  /** The engine ended this sequence. */
  finish(finish: SequenceFinish): void {
    if (this.#finishReason !== undefined) {
      return;
    }
    const expected = this.#text.expectedFinish;
    const reason: ChoiceFinish =
      expected === undefined
        ? { reason: finish.reason, stopReason: engineStopReason(finish) }
        : { reason: expected.reason, stopReason: expected.stopReason };
    if (this.#held !== undefined) {
      this.#tellHeld(reason);
      return;
    }
    const rest = this.#text.finish();
    this.#finishReason = reason.reason;
    reused.text = rest.text;
    reused.tokenIds = [];
    reused.tokenCount = 0;
    reused.logprobs = undefined;
    this.#listener.choiceOutput(this.choice, this.#gathered?.last(reused) ?? reused, reason);
  }

  #tellHeld(finish: ChoiceFinish): void {
    const held = this.#held;
    if (held === undefined) {
      return;
    }
    this.#held = undefined;
    const rest = this.#text.finish().text;
    this.#finishReason = finish.reason;
    const last = { ...held, text: held.text + rest };
    this.#listener.choiceOutput(this.choice, this.#gathered?.last(last) ?? last, finish);
  }
}

function engineStopReason(finish: SequenceFinish): string | number | null {
  if (finish.reason === "repetition") {
    return "repetition_detected";
  }
  return finish.matchedStop ?? null;
}
