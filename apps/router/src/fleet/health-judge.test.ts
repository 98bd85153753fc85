import { describe, expect, it } from "vitest";
import { HealthJudge } from "./health-judge.ts";

describe("HealthJudge", () => {
  it("changes its verdict only after so many probes in a row", () => {
    const judge = new HealthJudge({ failures: 3, successes: 2 });
    const verdicts = [false, false, true, false, false, false, true, false, true, true].map((good) => [
      judge.probed(good),
      judge.healthy,
    ]);
    expect(verdicts).toEqual([
      [false, true],
      [false, true],
      [false, true],
      [false, true],
      [false, true],
      [true, false],
      [false, false],
      [false, false],
      [false, false],
      [true, true],
    ]);
  });

  it("changes at once with thresholds of one", () => {
    const judge = new HealthJudge({ failures: 1, successes: 1 });
    expect(judge.probed(false)).toBe(true);
    expect(judge.probed(true)).toBe(true);
    expect(judge.healthy).toBe(true);
  });
});
