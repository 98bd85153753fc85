import { describe, expect, it } from "vitest";
import { createTestFleet, plainWorkers, testGeneration } from "../__fixtures__/test-fleet.ts";
import { restoreInput } from "../decision/decision-record.ts";
import { createCustomPolicy, defineCustomPolicy } from "./custom-policy.ts";
import type { Choice } from "./policy.ts";

const score = (): number => 1;

describe("createCustomPolicy()", () => {
  it.each<readonly [string, unknown]>([
    ["it exports no object named policy", undefined],
    ["it exports no object named policy", () => 1],
    ["name must be", { score }],
    ["name must be", { name: "two words", score }],
    ["is the name of a built-in policy", { name: "random", score }],
    ["either score or choose", { name: "own" }],
    ["either score or choose", { name: "own", score, choose: score }],
    ["score must be a function", { name: "own", score: 3 }],
    ["settle must be a function", { name: "own", score, settle: {} }],
    ["usesPrefix must be true or false", { name: "own", score, usesPrefix: 1 }],
    ["drawCount must be an integer from 1 to 64", { name: "own", score, drawCount: 0 }],
    ["valueCount must be an integer from 1 to 16", { name: "own", score, valueCount: 17 }],
  ])("refuses what is none: %s", (message, value) => {
    expect(() => createCustomPolicy(value)).toThrow(
      expect.objectContaining({
        code: "invalid_policy",
        message: expect.stringContaining(message) as string,
      }),
    );
  });

  it("chooses the best score, among equals the least loaded", () => {
    const fleet = createTestFleet({ policy: "random", workers: plainWorkers(4) });
    fleet.ledger.acquire(1, { promptTokens: 1, prefillTokens: 1 });
    const record = fleet.dispatcher.explain(fleet.ask(testGeneration(1)));
    const input = restoreInput(record.input);
    const policy = createCustomPolicy(
      defineCustomPolicy({ name: "own", score: ({ slots }, candidate) => (slots[candidate]! < 3 ? 1 : 0) }),
    );
    const choice: Choice = { candidate: -1, runnerUp: -1, tied: 0, reason: "draw" };
    policy.choose(input, choice);
    expect([0, 2]).toContain(choice.candidate);
    expect(choice).toMatchObject({ tied: 2, reason: "score" });
    expect([...input.scores.subarray(0, 4)]).toEqual([1, 1, 1, 0]);
  });
});
