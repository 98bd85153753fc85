import type { BeamSearchSettings, ChoiceFinish, PositionLogprobs, TokenLogprob } from "@vllm-router/api";

/** What the search depends on, beside its prompt. */
export interface BeamRules extends BeamSearchSettings {
  /** The token that completes a beam; undefined for none. */
  readonly endOfSequenceTokenId: number | undefined;
}

/** One sequence under way or completed. */
export interface Beam {
  /** Prompt and output. */
  readonly tokenIds: Int32Array<ArrayBuffer>;
  /** Sum of the logprobs of its output tokens. */
  readonly cumulativeLogprob: number;
  readonly parent: Beam | undefined;
  /** Logprobs of its last output token and what was proposed beside it; undefined for the prompt alone. */
  readonly last: PositionLogprobs | undefined;
  /** Undefined while it may go on. */
  readonly finish: ChoiceFinish | undefined;
}

/** An answer of the search. */
export interface BeamAnswer {
  /** Output tokens, as they are counted and returned. */
  readonly tokenIds: readonly number[];
  /** Output tokens that have text. */
  readonly textTokenIds: readonly number[];
  /** One a returned token. */
  readonly logprobs: readonly PositionLogprobs[];
  readonly finish: ChoiceFinish;
}

interface Candidate {
  readonly cumulativeLogprob: number;
  readonly parent: Beam;
  readonly proposal: TokenLogprob;
  readonly top: readonly TokenLogprob[];
}

/**
 * The beams of one prompt, as vLLM keeps them. In each step the tokens proposed for all beams compete by their cumulative
 * logprob; an end-of-sequence token completes a copy of its beam and takes no place. At the end completed and running
 * beams are ranked together by cumulative logprob over length (prompt included) to the power of the length penalty.
 */
export class Beams {
  readonly #rules: BeamRules;
  readonly #promptTokens: number;
  readonly #completed: Beam[] = [];
  #running: readonly Beam[];

  constructor(promptTokenIds: Int32Array, rules: BeamRules) {
    this.#rules = rules;
    this.#promptTokens = promptTokenIds.length;
    this.#running = [
      {
        tokenIds: Int32Array.from(promptTokenIds),
        cumulativeLogprob: 0,
        parent: undefined,
        last: undefined,
        finish: undefined,
      },
    ];
  }

  /** Beams that may go on, best first. */
  get running(): readonly Beam[] {
    return this.#running;
  }

  /** Takes one step. `proposals` are the tokens proposed for each running beam, in the engine's order. */
  step(proposals: readonly (readonly TokenLogprob[])[]): void {
    const candidates: Candidate[] = [];
    for (const [at, parent] of this.#running.entries()) {
      const top = proposals[at] ?? [];
      for (const proposal of top) {
        const cumulativeLogprob = parent.cumulativeLogprob + proposal.logprob;
        const candidate = { cumulativeLogprob, parent, proposal, top };
        if (this.#isEnd(proposal.tokenId)) this.#completed.push(this.#complete(candidate));
        else candidates.push(candidate);
      }
    }
    candidates.sort((left, right) => right.cumulativeLogprob - left.cumulativeLogprob);
    this.#running = candidates.slice(0, this.#rules.width).map((candidate) => extended(candidate));
  }

  /** Ends every running beam for a reason of the engine's. */
  abort(reason: string): void {
    this.#running = this.#running.map((beam) => ({ ...beam, finish: { reason, stopReason: null } }));
  }

  /** The best beams, best first. */
  best(): readonly BeamAnswer[] {
    const { width } = this.#rules;
    const ranked = [...this.#completed, ...this.#running].map((beam) => ({ beam, score: this.#score(beam) }));
    // Stable: of equal beams the completed one comes first, and the one found earlier.
    ranked.sort((left, right) => right.score - left.score);
    return ranked.slice(0, width).map(({ beam }) => this.#answer(beam));
  }

  #isEnd(tokenId: number): boolean {
    return !this.#rules.ignoreEos && tokenId === this.#rules.endOfSequenceTokenId;
  }

  #complete(candidate: Candidate): Beam {
    const { parent, cumulativeLogprob } = candidate;
    const finish: ChoiceFinish = { reason: "stop", stopReason: candidate.proposal.tokenId };
    return this.#rules.includeStopStringInOutput
      ? { ...extended(candidate), finish }
      : { ...parent, cumulativeLogprob, finish };
  }

  #score({ tokenIds, cumulativeLogprob }: Beam): number {
    const isEnded = tokenIds.at(-1) === this.#rules.endOfSequenceTokenId;
    const length = Math.max(isEnded ? tokenIds.length - 1 : tokenIds.length, 1);
    return cumulativeLogprob / length ** this.#rules.lengthPenalty;
  }

  #answer(beam: Beam): BeamAnswer {
    const tokenIds = Array.from(beam.tokenIds.subarray(this.#promptTokens));
    const last = tokenIds.at(-1);
    const logprobs: PositionLogprobs[] = [];
    for (let at: Beam | undefined = beam; at?.last !== undefined; at = at.parent) logprobs.push(at.last);
    return {
      tokenIds,
      textTokenIds: last !== undefined && this.#isEnd(last) ? tokenIds.slice(0, -1) : tokenIds,
      logprobs: logprobs.toReversed(),
      finish: beam.finish ?? { reason: "length", stopReason: null },
    };
  }
}

function extended({ parent, proposal, top, cumulativeLogprob }: Candidate): Beam {
  const tokenIds = new Int32Array(parent.tokenIds.length + 1);
  tokenIds.set(parent.tokenIds);
  tokenIds[parent.tokenIds.length] = proposal.tokenId;
  return {
    tokenIds,
    cumulativeLogprob,
    parent,
    last: { ...proposal, top, isProposal: true },
    finish: undefined,
  };
}
