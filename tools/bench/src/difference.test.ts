import { describe, expect, it } from "vitest";
import { differenceTable } from "./difference.ts";
import type { Measurement } from "./measurement.ts";

function measured(candidate: string, ...costs: readonly number[]): Measurement[] {
  return costs.map((cost) => ({ candidate, router: { us_per_req: cost } }) as unknown as Measurement);
}

describe("the table of differences", () => {
  it("compares round by round, and says when the rounds do not agree", () => {
    const table = differenceTable({
      base: "base",
      change: "change",
      byScenario: new Map([
        // The machine became slower from round to round, for both.
        ["s1", [...measured("base", 100, 200, 300), ...measured("change", 90, 180, 285)]],
        ["s3", [...measured("base", 100, 100, 100), ...measured("change", 130, 120, 125)]],
        ["s4", [...measured("base", 100, 100, 100), ...measured("change", 99, 101, 100)]],
        ["s9", measured("base", 100)],
      ]),
    });
    expect(table).toBe(
      `| scenario | base µs/request (spread) | change µs/request (spread) | difference (spread) |  |
|---|---|---|---|---|
| s1 | 200 (100-300) | 180 (90-285) | −10 % (−10 % to −5 %) | cheaper |
| s3 | 100 (100-100) | 125 (120-130) | +25 % (+20 % to +30 %) | dearer |
| s4 | 100 (100-100) | 100 (99-101) | +0 % (−1 % to +1 %) | within the noise |
| s9 | 100 (100-100) | – | – | not measured |
`,
    );
  });
});
