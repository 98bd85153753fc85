import { expect, it } from "vitest";
import { DecisionInputBuffer } from "../decision/decision-input.ts";
import { createSnapshot } from "../snapshot.ts";
import { createPolicy, policySharedBytes } from "./policy-registry.ts";
import type { Choice, Policy } from "./policy.ts";

const snapshot = createSnapshot({ version: 1, publishedAtMs: 0, workers: [] });

/** Begins a decision among three workers; what is returned chooses and places. */
function begins(policy: Policy, model: string): () => number {
  const input = new DecisionInputBuffer();
  input.begin({ candidates: 3, drawCount: 0, valueCount: 1 });
  [0, 1, 2].forEach((slot) => input.addCandidate(`w${slot}`, slot, 0));
  const generation = { model, requestId: "" } as never;
  const choice: Choice = { candidate: -1, runnerUp: -1, tied: 0, reason: "turn" };
  policy.gather?.({ input, generation, snapshot });
  return () => {
    policy.choose(input, choice);
    policy.settle?.({ input, generation, snapshot }, choice.candidate);
    return choice.candidate;
  };
}

function ofTwoThreads(): readonly [Policy, Policy] {
  const buffer = new SharedArrayBuffer(policySharedBytes("round_robin", {}, 8));
  const create = (): Policy => createPolicy("round_robin", {}, { buffer, slotCapacity: 8 });
  return [create(), create()];
}

it("takes turns together with its like in other threads, each model's its own", () => {
  const [one, two] = ofTwoThreads();
  const turns = [one, two, one, one, two].map((policy) => begins(policy, "a")());
  expect(turns).toEqual([0, 1, 2, 0, 1]);
  expect(begins(two, "b")()).toBe(0);
});

it("gives requests that come to two threads at one instant a turn each", () => {
  const [one, two] = ofTwoThreads();
  const begun = [one, two, two, one].map((policy) => begins(policy, "a"));
  expect(begun.map((choose) => choose())).toEqual([0, 1, 2, 0]);
  expect(begins(one, "a")()).toBe(1);
});
