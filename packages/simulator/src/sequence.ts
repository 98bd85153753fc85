import type { Detokenizer } from "@vllm-router/text";
import type { Sampling } from "./sampling.ts";
import { type ScheduledSequence, scheduledSequence } from "./scheduled-sequence.ts";
import { createStopChecker, type StopChecker } from "./stop-checker.ts";
import { mix } from "./token-hash.ts";
import type { RankedToken, TokenChoice, TokenModel, TokenState } from "./token-model.ts";

/** How a sequence ended; `matched` is the stop token or stop string, unset for EOS and length. */
export interface SequenceFinish {
  readonly reason: "stop" | "length" | "abort" | "error";
  readonly matched: number | string | undefined;
}

/** The sampled token's log probability and the best tokens at its place. */
export interface TokenLogprobs {
  readonly logprob: number;
  readonly top: readonly RankedToken[];
}

/** What all sequences of a request share. */
export interface SequenceSettings {
  readonly model: TokenModel;
  readonly promptIds: readonly number[];
  readonly sampling: Sampling;
  /** Ends a sequence with no matched stop; `undefined` when the request ignores it. */
  readonly eosId: number | undefined;
  /** Stop tokens of the request and further EOS ids of the model. */
  readonly stopTokenIds: ReadonlySet<number>;
  /** Not generated before `min_tokens`. */
  readonly endingIds: ReadonlySet<number>;
  /** Output tokens a sequence may have. */
  readonly maxOutputTokens: number;
  /** Forced outputs, ended by EOS, of which a sequence takes one (structured outputs). */
  readonly scripts: readonly (readonly number[])[] | undefined;
  /** Makes a sequence's detokeniser, for stop strings; a token that ends the sequence is not shown to it. */
  readonly detokenize: () => Detokenizer;
}

/** One output sequence of a request: draws its tokens and knows when it ends. */
export class Sequence {
  readonly index: number;
  readonly scheduled: ScheduledSequence;
  readonly settings: SequenceSettings;
  readonly #state: TokenState;
  readonly #choice: TokenChoice;
  readonly #lateChoice: TokenChoice;
  readonly #script: readonly number[] | undefined;
  readonly #stopChecker: StopChecker | undefined;
  readonly #detokenizer: Detokenizer | undefined;
  finish: SequenceFinish | undefined;
  /** Of the last token, when the request asked. */
  lastLogprobs: TokenLogprobs | undefined;

  constructor(settings: SequenceSettings, index: number) {
    const { sampling, model, promptIds } = settings;
    this.index = index;
    this.settings = settings;
    this.scheduled = scheduledSequence(promptIds, sampling.promptLogprobs === undefined);
    this.#state = model.start();
    for (const id of promptIds) model.advance(this.#state, id);
    const seed = sampling.isGreedy ? undefined : sequenceSeed(sampling.seed, index);
    this.#lateChoice = { seed, bias: sampling.logitBias, forbidden: undefined };
    this.#choice = { ...this.#lateChoice, forbidden: settings.endingIds };
    const { scripts } = settings;
    this.#script = scripts?.[seed === undefined ? 0 : (mix(this.#state.hash, seed) >>> 0) % scripts.length];
    if (sampling.stopStrings.length > 0) {
      this.#stopChecker = createStopChecker(sampling.stopStrings);
      this.#detokenizer = settings.detokenize();
    }
  }

  /** Output tokens so far. */
  get outputTokens(): number {
    return this.scheduled.tokens.length - this.scheduled.promptTokens;
  }

  /** Draws the next token, appends it, and sets `finish` when it ends the sequence. */
  draw(): number {
    const { model, sampling } = this.settings;
    const position = this.outputTokens;
    const id =
      this.#script?.[position] ??
      model.next(this.#state, position < sampling.minTokens ? this.#choice : this.#lateChoice);
    if (sampling.logprobs !== undefined) {
      this.lastLogprobs = {
        logprob: model.logprob(this.#state, id),
        top: model.ranked(this.#state, sampling.logprobs),
      };
    }
    model.advance(this.#state, id);
    this.scheduled.tokens.push(id);
    this.finish = this.#finishAfter(id);
    return id;
  }

  /** The order of checks is vLLM's: EOS, stop tokens, length, then stop strings, which win over length. */
  #finishAfter(id: number): SequenceFinish | undefined {
    const { eosId, stopTokenIds, maxOutputTokens, sampling } = this.settings;
    const isEos = id === eosId;
    const isStopped = isEos || stopTokenIds.has(id);
    if (this.#detokenizer !== undefined && (!isStopped || sampling.includesStopString)) {
      const added = this.#detokenizer.push(id);
      const matched = this.#stopChecker?.push(added, this.outputTokens > sampling.minTokens);
      if (matched !== undefined) return { reason: "stop", matched };
    }
    if (isStopped) return { reason: "stop", matched: isEos ? undefined : id };
    return this.outputTokens >= maxOutputTokens ? { reason: "length", matched: undefined } : undefined;
  }
}

/** As in vLLM, the i-th sequence of a seeded request has seed + i; an unseeded request is seeded by the index alone. */
function sequenceSeed(seed: number | undefined, index: number): number {
  return seed === undefined ? mix(0x51ed_270b, index) : (seed + index) | 0;
}
