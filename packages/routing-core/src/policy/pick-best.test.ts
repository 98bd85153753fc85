import { describe, expect, it } from "vitest";
import { DecisionInputBuffer } from "../decision/decision-input.ts";
import { byLoad, pickBest } from "./pick-best.ts";
import type { Choice } from "./policy.ts";

function pick(
  scores: readonly number[],
  { draw = 0, inFlight = [] as readonly number[] } = {},
): Omit<Choice, "reason"> {
  const input = new DecisionInputBuffer();
  input.begin({ candidates: scores.length, drawCount: 1, valueCount: 1 });
  for (const [slot, score] of scores.entries()) {
    input.addCandidate(`http://w${slot}`, slot, 0);
    input.scores[slot] = score;
    input.inFlightRequests[slot] = inFlight[slot] ?? 0;
  }
  input.draws[0] = draw;
  const choice: Choice = { candidate: -1, runnerUp: -1, tied: 0, reason: "least_loaded" };
  pickBest(input, choice, byLoad);
  const { candidate, runnerUp, tied } = choice;
  return { candidate, runnerUp, tied };
}

describe("pickBest()", () => {
  it("takes the highest score and names the next best", () => {
    expect(pick([1, 3, 2])).toEqual({ candidate: 1, runnerUp: 2, tied: 1 });
    expect(pick([3, 1, 2])).toEqual({ candidate: 0, runnerUp: 2, tied: 1 });
    expect(pick([-1])).toEqual({ candidate: 0, runnerUp: -1, tied: 1 });
  });

  it("takes the less loaded among equals", () => {
    expect(pick([2, 2, 2], { inFlight: [3, 1, 2] })).toEqual({ candidate: 1, runnerUp: 2, tied: 1 });
  });

  it("takes the one that is drawn among those that are equal in all", () => {
    expect(pick([1, 2, 2, 2], { draw: 0 })).toMatchObject({ candidate: 1, tied: 3 });
    expect(pick([1, 2, 2, 2], { draw: 0.5 })).toEqual({ candidate: 2, runnerUp: 1, tied: 3 });
    expect(pick([1, 2, 2, 2], { draw: 0.99 })).toEqual({ candidate: 3, runnerUp: 2, tied: 3 });
  });

  it("comes to an end where scores are no numbers", () => {
    for (const scores of [
      [NaN, NaN, NaN],
      [1, NaN, 1],
      [NaN, 1, 1],
      [Infinity, Infinity],
      [-Infinity, -Infinity],
    ]) {
      const { candidate, runnerUp } = pick(scores, { draw: 0.99 });
      expect(candidate).toBeLessThan(scores.length);
      expect(candidate).not.toBe(runnerUp);
    }
  });
});
