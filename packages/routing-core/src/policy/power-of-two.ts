import type { DecisionInput } from "../decision/decision-input.ts";
import type { Choice, Policy } from "./policy.ts";
import { definePolicy } from "./policy-definition.ts";

/**
 * Two different workers are drawn and the one with less in flight is taken (the first drawn on a tie), as in the Rust
 * router; but the load is the ledger's at this instant, with pending prefill tokens to break ties, and never a polled
 * figure that is seconds old.
 */
export const powerOfTwo = definePolicy({
  name: "power_of_two",
  description: "The less loaded of two workers drawn at random.",
  parameters: {},
  create: () => new PowerOfTwo(),
});

class PowerOfTwo implements Policy {
  readonly name = "power_of_two";
  readonly parameters = {};
  readonly drawCount = 2;
  readonly usesPrefix = false;

  choose(input: DecisionInput, choice: Choice): void {
    const { candidateCount, draws, scores, inFlightRequests, prefillTokens } = input;
    for (let candidate = 0; candidate < candidateCount; candidate += 1) {
      scores[candidate] = 0 - inFlightRequests[candidate]!;
    }
    const first = Math.floor(draws[0]! * candidateCount);
    if (candidateCount === 1) {
      choice.candidate = first;
      choice.runnerUp = -1;
      choice.tied = 1;
      choice.reason = "draw";
      return;
    }
    const offset = 1 + Math.floor(draws[1]! * (candidateCount - 1));
    const second = (first + offset) % candidateCount;
    const difference =
      inFlightRequests[second]! - inFlightRequests[first]! || prefillTokens[second]! - prefillTokens[first]!;
    choice.candidate = difference < 0 ? second : first;
    choice.runnerUp = difference < 0 ? first : second;
    choice.tied = difference === 0 ? 2 : 1;
    choice.reason = difference === 0 ? "draw" : "least_loaded";
  }
}
