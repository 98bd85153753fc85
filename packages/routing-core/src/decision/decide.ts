import type { Choice, Policy } from "../policy/policy.ts";
import { NONE_REASON_OF, VERDICTS } from "./candidate-filter.ts";
import type { Decision } from "./decision.ts";
import type { DecisionInput } from "./decision-input.ts";

const FULL: Decision = Object.freeze({ kind: "wait", reason: "full" });
const NO_WORKERS: Decision = Object.freeze({ kind: "none", reason: "no_workers" });

/**
 * The decision on an input: synchronous, and a pure function of the input and of the policy's parameters (its state is in
 * the input). `policy` must be the one the input was gathered for, or one created from its recorded name and parameters.
 */
export function decide(input: DecisionInput, policy: Policy): Decision {
  if (input.candidateCount === 0) {
    return withoutCandidates(input);
  }
  const choice: Choice = { candidate: 0, runnerUp: -1, tied: 1, reason: "only_candidate" };
  if (input.candidateCount > 1) {
    policy.choose(input, choice);
  } else {
    input.scores[0] = 0;
  }
  const { candidate } = choice;
  return {
    kind: "place",
    legs: [
      {
        role: input.role,
        worker: input.workers[candidate]!,
        rank: input.ranks[candidate]!,
        slot: input.slots[candidate]!,
        matchedTokens: input.matchedTokens[candidate]!,
      },
    ],
    reason: choice.reason,
    promptTokens: input.promptTokens,
    candidate,
    runnerUp: choice.runnerUp,
    tied: choice.tied,
    scores: input.scores,
    inputSequence: input.sequence,
  };
}

function withoutCandidates(input: DecisionInput): Decision {
  const closest = VERDICTS[input.closestVerdict];
  const isForOthers = closest === "wrong_role" && input.role !== "serve";
  if (closest === undefined || closest === "eligible" || isForOthers) {
    return NO_WORKERS;
  }
  return closest === "full" ? FULL : { kind: "none", reason: NONE_REASON_OF[closest] };
}
