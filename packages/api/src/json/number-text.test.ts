import { describe, expect, it } from "vitest";
import { pydanticFloat, pythonFloat } from "./number-text.ts";
import { jsonFloat } from "./write-json.ts";

// Value, Python's repr, pydantic's JSON.
const cases: readonly (readonly [number, string, string])[] = [
  [0, "0.0", "0.0"],
  [-0, "-0.0", "-0.0"],
  [1, "1.0", "1.0"],
  [0.001, "0.001", "0.001"],
  [0.0001, "0.0001", "0.0001"],
  [0.00001, "1e-05", "0.00001"],
  [0.000015, "1.5e-05", "0.000015"],
  [0.000001, "1e-06", "1e-6"],
  [1.25e-6, "1.25e-06", "1.25e-6"],
  [1e-10, "1e-10", "1e-10"],
  [1e15, "1000000000000000.0", "1000000000000000.0"],
  [1e16, "1e+16", "1e+16"],
  [1.2345678901234568e17, "1.2345678901234568e+17", "1.2345678901234568e+17"],
  [1e21, "1e+21", "1e+21"],
  [1e100, "1e+100", "1e+100"],
  [-9999, "-9999.0", "-9999.0"],
  [-1.1920928244535389e-7, "-1.1920928244535389e-07", "-1.1920928244535389e-7"],
  [5e-324, "5e-324", "5e-324"],
  [1.7976931348623157e308, "1.7976931348623157e+308", "1.7976931348623157e+308"],
  [-0.00012397655402310192, "-0.00012397655402310192", "-0.00012397655402310192"],
  [NaN, "nan", "null"],
  [-Infinity, "-inf", "null"],
];

describe("floats as text", () => {
  for (const [value, python, pydantic] of cases) {
    it(`prints ${python}`, () => {
      expect(pythonFloat(value)).toBe(python);
      expect(pydanticFloat(value)).toBe(pydantic);
    });
  }

  it("prints what is not finite as json.dumps does", () => {
    expect([NaN, Infinity, -Infinity, 1].map(jsonFloat)).toEqual(["NaN", "Infinity", "-Infinity", "1.0"]);
  });
});
