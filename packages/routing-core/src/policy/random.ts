import type { DecisionInput } from "../decision/decision-input.ts";
import type { Choice, Policy } from "./policy.ts";
import { definePolicy } from "./policy-definition.ts";

/** Any worker with equal chance. */
export const random = definePolicy({
  name: "random",
  description: "Any worker, with equal chance.",
  parameters: {},
  create: () => new Random(),
});

class Random implements Policy {
  readonly name = "random";
  readonly parameters = {};
  readonly drawCount = 1;
  readonly usesPrefix = false;

  choose(input: DecisionInput, choice: Choice): void {
    const { candidateCount, draws, scores } = input;
    scores.fill(1, 0, candidateCount);
    choice.candidate = Math.floor(draws[0]! * candidateCount);
    choice.runnerUp = candidateCount > 1 ? (choice.candidate + 1) % candidateCount : -1;
    choice.tied = candidateCount;
    choice.reason = "draw";
  }
}
