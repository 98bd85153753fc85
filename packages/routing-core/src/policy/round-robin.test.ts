import { expect, it } from "vitest";
import { DecisionInputBuffer } from "../decision/decision-input.ts";
import { createSnapshot } from "../snapshot.ts";
import { createPolicy, policySharedBytes } from "./policy-registry.ts";
import type { Choice, Policy } from "./policy.ts";

const snapshot = createSnapshot({ version: 1, publishedAtMs: 0, workers: [] });

function chooses(policy: Policy, model: string): number {
  const input = new DecisionInputBuffer();
  input.begin({ candidates: 3, drawCount: 0, valueCount: 1 });
  [0, 1, 2].forEach((slot) => input.addCandidate(`w${slot}`, slot, 0));
  const generation = { model, requestId: "" } as never;
  const choice: Choice = { candidate: -1, runnerUp: -1, tied: 0, reason: "turn" };
  policy.gather?.({ input, generation, snapshot });
  policy.choose(input, choice);
  policy.settle?.({ input, generation, snapshot }, choice.candidate);
  return choice.candidate;
}

it("takes turns together with its like in other threads, each model's its own", () => {
  const buffer = new SharedArrayBuffer(policySharedBytes("round_robin", {}, 8));
  const [one, two] = [0, 1].map(() => createPolicy("round_robin", {}, { buffer, slotCapacity: 8 }));
  const turns = [one, two, one, one, two].map((policy) => chooses(policy!, "a"));
  expect(turns).toEqual([0, 1, 2, 0, 1]);
  expect(chooses(two!, "b")).toBe(0);
});
