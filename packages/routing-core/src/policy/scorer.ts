import type { DecisionInput } from "../decision/decision-input.ts";
import { loadConfidence } from "./load-confidence.ts";

/** Columns of the state that `weighted` keeps for its scorers. */
export const COLD_TURN = 0;
export const IS_BOUND = 1;
export const HAS_ADAPTER = 2;
/** Number of those columns. */
export const SCORER_VALUES = 3;

/** Writes how good each candidate is in one respect, from 0 to 1, into the first elements of `raw`. */
export type Scorer = (input: DecisionInput, raw: Float64Array, options: ScorerOptions) => void;

/** What scorers of `weighted` share. */
export interface ScorerOptions {
  /** Age at which a figure reported by an engine counts half, milliseconds. */
  readonly loadHalfLifeMs: number;
}

/** Share of the prompt that the candidate has in its cache. */
export const scorePrefix: Scorer = ({ candidateCount, matchedTokens, promptTokens }, raw) => {
  for (let candidate = 0; candidate < candidateCount; candidate += 1) {
    raw[candidate] = promptTokens > 0 ? matchedTokens[candidate]! / promptTokens : 0;
  }
};

/** Requests waiting in the engine: what the shortest queue is of this one, both with this request added. */
export const scoreQueue: Scorer = (input, raw, options) => {
  scoreRelative(input.waitingRequests, { input, raw, unit: 1 });
  trustByAge(input, raw, options);
};

/** Requests running in the engine, in the same way. */
export const scoreRunning: Scorer = (input, raw, options) => {
  scoreRelative(input.runningRequests, { input, raw, unit: 1 });
  trustByAge(input, raw, options);
};

/** Free share of the KV cache. */
export const scoreKvUsage: Scorer = (input, raw, options) => {
  for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
    raw[candidate] = 1 - input.kvCacheUsage[candidate]!;
  }
  trustByAge(input, raw, options);
};

/** Tokens in flight by the ledger: what the least is of this one, both with this prompt added. Requests count a token. */
export const scoreInFlightTokens: Scorer = (input, raw) => {
  const { candidateCount, inFlightRequests, prefillTokens, decodeTokens, weights, promptTokens } = input;
  for (let candidate = 0; candidate < candidateCount; candidate += 1) {
    const tokens = prefillTokens[candidate]! + decodeTokens[candidate]! + inFlightRequests[candidate]!;
    raw[candidate] = tokens / weights[candidate]!;
  }
  scoreRelative(raw, { input, raw, unit: promptTokens + 1 });
};

/** The engine's word on the LoRA adapter; where it has none, 1 where the adapter ran before, else a half. */
export const scoreLora: Scorer = ({ candidateCount, loraAffinity, policyValues }, raw) => {
  for (let candidate = 0; candidate < candidateCount; candidate += 1) {
    const told = loraAffinity[candidate]!;
    const made = policyValues[candidate * SCORER_VALUES + HAS_ADAPTER] === 1 ? 1 : 0.5;
    raw[candidate] = Number.isNaN(told) ? made : told;
  }
};

/** 1 for the worker that served the session last. */
export const scoreAffinity: Scorer = ({ candidateCount, policyValues }, raw) => {
  for (let candidate = 0; candidate < candidateCount; candidate += 1) {
    raw[candidate] = policyValues[candidate * SCORER_VALUES + IS_BOUND]!;
  }
};

/** For a prompt that nobody holds anything of: the longer the worker's last such prompt is ago, the better. */
export const scoreNoHitLru: Scorer = ({ candidateCount, matchedTokens, policyValues }, raw) => {
  let newest = 0;
  let oldest = Infinity;
  let mostMatched = 0;
  for (let candidate = 0; candidate < candidateCount; candidate += 1) {
    const turn = policyValues[candidate * SCORER_VALUES + COLD_TURN]!;
    newest = Math.max(newest, turn);
    oldest = Math.min(oldest, turn);
    mostMatched = Math.max(mostMatched, matchedTokens[candidate]!);
  }
  for (let candidate = 0; candidate < candidateCount; candidate += 1) {
    const turn = policyValues[candidate * SCORER_VALUES + COLD_TURN]!;
    const isSame = mostMatched > 0 || newest === oldest;
    raw[candidate] = isSame ? 0.5 : (newest - turn) / (newest - oldest);
  }
};

/** (least + unit) / (own + unit): 1 for the least, near 1 for a little more, near 0 for many times as much. */
function scoreRelative(
  figures: Float64Array,
  to: { readonly input: DecisionInput; readonly raw: Float64Array; readonly unit: number },
): void {
  const { input, raw, unit } = to;
  let least = Infinity;
  for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
    const figure = figures[candidate]!;
    least = figure < least ? figure : least;
  }
  for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
    raw[candidate] = (least + unit) / (figures[candidate]! + unit);
  }
}

/** Draws figures towards the mean of what is known, the more the older they are: who is silent is neither liked nor shunned. */
function trustByAge(input: DecisionInput, raw: Float64Array, { loadHalfLifeMs }: ScorerOptions): void {
  let trust = 0;
  let sum = 0;
  for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
    if (!Number.isNaN(raw[candidate]!)) {
      const confidence = loadConfidence(input.loadAgeMs[candidate]!, loadHalfLifeMs);
      trust += confidence;
      sum += confidence * raw[candidate]!;
    }
  }
  const mean = trust > 0 ? sum / trust : 1;
  for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
    const figure = raw[candidate]!;
    const confidence = loadConfidence(input.loadAgeMs[candidate]!, loadHalfLifeMs);
    raw[candidate] = Number.isNaN(figure) ? mean : mean + confidence * (figure - mean);
  }
}
