import { mix, unitInterval } from "./token-hash.ts";
import { countWordChains, type Successors, type WordChains } from "./word-chains.ts";

/** What the token model needs to know of a vocabulary. */
export interface TokenModelVocabulary {
  /** Number of ids; every generated id is below it. */
  readonly size: number;
  /** A text in this vocabulary that the model imitates, by paragraphs; each begins a turn well. */
  readonly paragraphs: readonly (readonly number[])[];
  /** Ends a sequence; `undefined` when the model has no such token. */
  readonly eosId: number | undefined;
  /** Control tokens: a turn begins after one. */
  readonly isSpecial: (id: number) => boolean;
  /** Whether a line ends with this token. */
  readonly endsLine: (id: number) => boolean;
  /** Whether a sentence may end after this token. */
  readonly endsSentence: (id: number) => boolean;
}

/** Everything the next token depends on, for one sequence. Advanced by every token, of the prompt and of the output. */
export interface TokenState {
  hash: number;
  previous: number;
  last: number;
  tokensSinceSpecial: number;
}

/** What one request asks of the choice. */
export interface TokenChoice {
  /** `undefined` takes the most likely token. */
  readonly seed: number | undefined;
  /** Added to the score of a token, as in vLLM's `logit_bias`. */
  readonly bias: ReadonlyMap<number, number> | undefined;
  /** Never chosen (ending tokens before `min_tokens`). */
  readonly forbidden: ReadonlySet<number> | undefined;
}

/** A token and its rank's log probability, best first. */
export interface RankedToken {
  readonly id: number;
  readonly logprob: number;
}

const shortestAnswerTokens = 20;
const sentencesPerAnswer = 6;
const topProbability = Math.log(0.36);
const rankPenalty = Math.log(0.62);
const unlikely = -12;
const biasReach = 8;

/**
 * A language model without weights: word chains of length two out of a text, steered by a hash of all tokens so far.
 * The next token depends on the token ids, the model's seed and the request's seed, on nothing else; so a sequence
 * continues the same way on any engine with the same files and seed.
 */
export class TokenModel {
  readonly #vocabulary: TokenModelVocabulary;
  readonly #seed: number;
  readonly #chains: WordChains;
  readonly #words: readonly number[];
  /** Per id: 0 not asked yet, 1 no, 2 yes. */
  readonly #endsSentence: Uint8Array;

  constructor(vocabulary: TokenModelVocabulary, seed: number) {
    this.#vocabulary = vocabulary;
    this.#seed = seed;
    this.#chains = countWordChains(vocabulary.paragraphs, vocabulary.size);
    this.#words = vocabulary.paragraphs.flat().filter((id) => !vocabulary.endsSentence(id));
    this.#endsSentence = new Uint8Array(vocabulary.size);
    if (this.#words.length === 0) throw new RangeError("the token model needs a text to imitate");
  }

  /** The state before the first token. */
  start(): TokenState {
    return { hash: mix(this.#seed, 1), previous: -1, last: -1, tokensSinceSpecial: 0 };
  }

  /** Takes one token of the prompt or of the output into the state. */
  advance(state: TokenState, id: number): void {
    state.hash = mix(state.hash, id);
    state.previous = state.last;
    state.last = id;
    state.tokensSinceSpecial = this.#vocabulary.isSpecial(id) ? 0 : state.tokensSinceSpecial + 1;
  }

  /** The token that follows `state`. */
  next(state: TokenState, choice: TokenChoice): number {
    const candidates = this.#likely(state);
    if (choice.bias !== undefined) return this.#biased(candidates, state, choice);
    if (choice.forbidden !== undefined) {
      const allowed = candidates.filter((id) => !choice.forbidden?.has(id));
      return pick(
        allowed.length > 0 ? allowed : this.#fillers(state, 1, choice.forbidden),
        state,
        choice.seed,
      );
    }
    return pick(candidates, state, choice.seed);
  }

  /** The `count` most likely tokens after `state`, best first, without seed and bias. */
  ranked(state: TokenState, count: number): RankedToken[] {
    const candidates = this.#likely(state);
    if (candidates.length < count) {
      candidates.push(...this.#fillers(state, count - candidates.length, new Set(candidates)));
    }
    return candidates.slice(0, count).map((id, rank) => ({ id, logprob: rankLogprob(state, rank) }));
  }

  /** The log probability of `id` after `state`: its rank's, or a very small one. */
  logprob(state: TokenState, id: number): number {
    const rank = this.#likely(state).indexOf(id);
    return rank < 0 ? unlikely - unitInterval(mix(state.hash, id)) * 4 : rankLogprob(state, rank);
  }

  /** Tokens that the text allows here, best first; never empty. */
  #likely(state: TokenState): number[] {
    const { ids, weights } = this.#successors(state);
    const isEnd = this.#isEnd(state);
    const { eosId } = this.#vocabulary;
    if (ids.length === 1) return isEnd && eosId !== undefined ? [eosId, ...ids] : [...ids];
    const scores = ids.map((id, index) => (weights[index] ?? 0) + unitInterval(mix(state.hash, id)) * 1.5);
    const order = ids.map((_, index) => index).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
    const candidates = order.map((index) => ids[index] ?? 0);
    if (isEnd && eosId !== undefined) candidates.unshift(eosId);
    return candidates;
  }

  #isEnd(state: TokenState): boolean {
    return (
      state.tokensSinceSpecial >= shortestAnswerTokens &&
      mix(state.hash, 0x0e05) >>> 0 < 0x1_0000_0000 / sentencesPerAnswer &&
      this.#mayEndAfter(state.last)
    );
  }

  #mayEndAfter(id: number): boolean {
    let known = this.#endsSentence[id] ?? 0;
    if (known === 0) {
      known = this.#vocabulary.endsSentence(id) ? 2 : 1;
      this.#endsSentence[id] = known;
    }
    return known === 2;
  }

  #successors(state: TokenState): Successors {
    const { afterToken, afterPair, starts } = this.#chains;
    const single = afterToken(state.last);
    const pair = afterPair(state.previous, state.last);
    if (pair !== undefined && single !== undefined) {
      // A pair with one successor would only recite the text: sometimes look at the last token alone.
      return pair.ids.length === 1 && mix(state.hash, 7) >>> 30 === 0 ? single : pair;
    }
    if (single !== undefined) return single;
    const { isSpecial, endsLine } = this.#vocabulary;
    if (state.last < 0 || isSpecial(state.last) || endsLine(state.last)) return starts;
    return { ids: [this.#word(mix(state.hash, 11))], weights: [0] };
  }

  #word(hash: number): number {
    return this.#words[Math.floor(unitInterval(hash) * this.#words.length)] ?? 0;
  }

  #fillers(state: TokenState, count: number, taken: ReadonlySet<number>): number[] {
    const fillers = new Set<number>();
    for (let draw = 0; fillers.size < count && draw < 64 * count; draw++) {
      const id = this.#word(mix(state.hash, draw + 101));
      if (!taken.has(id)) fillers.add(id);
    }
    // A text with fewer words than asked for: any id will do.
    for (let id = 0; fillers.size < count && id < this.#vocabulary.size; id++) {
      if (!taken.has(id)) fillers.add(id);
    }
    return [...fillers];
  }

  #biased(candidates: readonly number[], state: TokenState, choice: TokenChoice): number {
    const scores = new Map(candidates.map((id, rank) => [id, topProbability + rank * rankPenalty]));
    for (const [id, bias] of choice.bias ?? []) scores.set(id, (scores.get(id) ?? unlikely) + bias);
    const scored = [...scores].filter(([id]) => !choice.forbidden?.has(id)).sort((a, b) => b[1] - a[1]);
    const best = scored[0]?.[1] ?? -Infinity;
    if (best < unlikely) {
      // Everything likely is biased away: any other word is better.
      const taken = new Set([...scores.keys(), ...(choice.forbidden ?? [])]);
      return this.#fillers(state, 1, taken)[0] ?? 0;
    }
    const allowed = scored.filter(([, score]) => score > best - biasReach).map(([id]) => id);
    return pick(allowed, state, choice.seed);
  }
}

function pick(candidates: readonly number[], state: TokenState, seed: number | undefined): number {
  const first = candidates[0] ?? 0;
  if (seed === undefined || candidates.length === 1) return first;
  // Geometric over the ranks, so that likely tokens stay likely.
  let draw = unitInterval(mix(mix(state.hash, seed), 13));
  for (const id of candidates) {
    if (draw < 0.45) return id;
    draw = (draw - 0.45) / 0.55;
  }
  return first;
}

function rankLogprob(state: TokenState, rank: number): number {
  return Math.fround(topProbability + rank * rankPenalty - unitInterval(mix(state.hash, rank + 31)) * 0.2);
}
