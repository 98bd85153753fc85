import { expect, it } from "vitest";
import { requestMetrics } from "./request-metrics.ts";

it("measures as vLLM does: the first token, those after it, and all of them", () => {
  expect(requestMetrics({ startedAtMs: 100, firstOutputAtMs: 125, lastOutputAtMs: 225, tokens: 6 })).toEqual({
    timeToFirstTokenMs: 25,
    generationTimeMs: 100,
    queueTimeMs: null,
    meanItlMs: 20,
    tokensPerSecond: 48,
  });
});

it("says nothing of what never came", () => {
  const nothing = { startedAtMs: 100, firstOutputAtMs: undefined, lastOutputAtMs: undefined, tokens: 0 };
  expect(Object.values(requestMetrics(nothing))).toEqual([null, null, null, null, null]);
  const one = { startedAtMs: 100, firstOutputAtMs: 100, lastOutputAtMs: 100, tokens: 1 };
  expect(requestMetrics(one)).toMatchObject({ generationTimeMs: 0, meanItlMs: null, tokensPerSecond: null });
});
