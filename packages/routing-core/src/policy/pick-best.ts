import type { DecisionInput } from "../decision/decision-input.ts";
import type { Choice } from "./policy.ts";

/** Decides between candidates of equal score: positive when `a` is the better one, 0 when both are as good. */
export type TieOrder = (input: DecisionInput, a: number, b: number) => number;

/** Fewest in flight, then fewest tokens still to be prefilled. */
export const byLoad: TieOrder = ({ inFlightRequests, prefillTokens }, a, b) =>
  inFlightRequests[b]! - inFlightRequests[a]! || prefillTokens[b]! - prefillTokens[a]!;

/**
 * Fills everything of a choice but its reason: the candidate with the highest score, among equals the best by `order`,
 * among those the one that the input's first draw names; and the next best. One pass, a second one only when there are
 * equals. A score that is no number is as good as any.
 */
export function pickBest(input: DecisionInput, choice: Choice, order: TieOrder): void {
  const { scores, candidateCount } = input;
  let best = 0;
  let second = -1;
  let tied = 1;
  for (let candidate = 1; candidate < candidateCount; candidate += 1) {
    const score = scores[candidate]!;
    const difference = score - scores[best]! || order(input, candidate, best);
    if (difference > 0) {
      second = best;
      best = candidate;
      tied = 1;
      continue;
    }
    tied += difference === 0 ? 1 : 0;
    if (second < 0 || (score - scores[second]! || order(input, candidate, second)) > 0) {
      second = candidate;
    }
  }
  if (tied > 1) {
    let skip = Math.floor(input.draws[0]! * tied);
    const first = best;
    for (let candidate = first + 1; skip > 0 && candidate < candidateCount; candidate += 1) {
      if (scores[candidate] === scores[first] && order(input, candidate, first) === 0) {
        second = best;
        best = candidate;
        skip -= 1;
      }
    }
  }
  choice.candidate = best;
  choice.runnerUp = second;
  choice.tied = tied;
}
