import { describe, expect, it } from "vitest";
import { createTestFleet, plainWorkers, testGeneration, testWorkers } from "../__fixtures__/test-fleet.ts";
import { compactSummary, summarizeDecision } from "./decision-summary.ts";

describe("summarizeDecision()", () => {
  it("names choice, runner-up and tie-break", () => {
    const fleet = createTestFleet({ policy: "cache_aware", workers: plainWorkers(3) });
    const cold = fleet.dispatcher.explain(fleet.ask(testGeneration(1)));
    expect(summarizeDecision(cold)).toMatchObject({
      reason: "least_loaded",
      tieBreak: "drawn among 3 equals",
    });
    const holder = fleet.visit(testGeneration(1));
    const warm = summarizeDecision(fleet.dispatcher.explain(fleet.ask(testGeneration(1))));
    expect(warm).toMatchObject({
      kind: "place",
      reason: "prefix",
      worker: holder,
      rank: 0,
      matchedTokens: 64,
      promptTokens: 64,
      tieBreak: null,
      candidates: 3,
      excluded: 0,
    });
    expect(compactSummary(warm)).toBe(
      `place=${holder}; rank=0; reason=prefix; matched=64/64; runner_up=${warm.runnerUp}; candidates=3; excluded=0; policy=cache_aware`,
    );
  });

  it("says why nobody was chosen", () => {
    const workers = testWorkers([{ isHealthy: false }, { maxInFlightPerRank: 1 }]);
    const fleet = createTestFleet({ policy: "random", workers });
    fleet.place(testGeneration(1));
    const full = summarizeDecision(fleet.dispatcher.explain(fleet.ask(testGeneration(2))));
    expect(compactSummary(full)).toBe("wait=full; candidates=0; excluded=2; policy=random");
  });
});
