import type { DecisionInput } from "../decision/decision-input.ts";
import type { Choice, Policy, PolicyContext } from "./policy.ts";
import { definePolicy } from "./policy-definition.ts";

const MAX_MODELS = 1024;

/**
 * Each model's workers in turn. Remembers the slot served last and not a counter, so a worker that comes, goes or is
 * passed over does not shift everybody else's turn.
 */
export const roundRobin = definePolicy({
  name: "round_robin",
  description: "Workers in turn.",
  parameters: {},
  create: () => new RoundRobin(),
});

class RoundRobin implements Policy {
  readonly name = "round_robin";
  readonly parameters = {};
  readonly drawCount = 0;
  readonly usesPrefix = false;
  readonly #lastSlotByModel = new Map<string, number>();

  gather({ input, generation }: PolicyContext): void {
    const last = this.#lastSlotByModel.get(generation.model) ?? -1;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      input.policyValues[candidate] = input.slots[candidate]! > last ? 1 : 0;
    }
  }

  /** The lowest slot after the last one served, else the lowest slot. */
  choose(input: DecisionInput, choice: Choice): void {
    let best = -1;
    let second = -1;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const score = input.policyValues[candidate]! * 65_536 - input.slots[candidate]!;
      input.scores[candidate] = score;
      if (best < 0 || score > input.scores[best]!) {
        second = best;
        best = candidate;
      } else if (second < 0 || score > input.scores[second]!) {
        second = candidate;
      }
    }
    choice.candidate = best;
    choice.runnerUp = second;
    choice.tied = 1;
    choice.reason = "turn";
  }

  settle({ input, generation }: PolicyContext, candidate: number): void {
    const { model } = generation;
    if (!this.#lastSlotByModel.has(model) && this.#lastSlotByModel.size >= MAX_MODELS) {
      this.#lastSlotByModel.clear();
    }
    this.#lastSlotByModel.set(model, input.slots[candidate]!);
  }
}
