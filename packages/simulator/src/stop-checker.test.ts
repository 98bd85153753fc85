import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStopChecker } from "./stop-checker.ts";

describe("createStopChecker()", () => {
  it("finds a stop string that spans tokens", () => {
    const checker = createStopChecker(["END"]);
    expect(checker.push("the E", true)).toBeUndefined();
    expect(checker.push("N", true)).toBeUndefined();
    expect(checker.push("D.", true)).toBe("END");
  });

  it("takes the match that ends first, then the first of the list", () => {
    expect(createStopChecker(["cd", "b"]).push("abcd", true)).toBe("b");
    expect(createStopChecker(["bc", "c"]).push("abc", true)).toBe("bc");
  });

  it("ignores what was complete while it might not stop", () => {
    const checker = createStopChecker(["ab"]);
    expect(checker.push("ab", false)).toBeUndefined();
    expect(checker.push("c", true)).toBeUndefined();
    expect(checker.push("ab", true)).toBe("ab");
  });

  it("finds the same whatever the chunks", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        fc.array(letters, { maxLength: 12 }),
        fc.array(letters, { minLength: 1, maxLength: 3 }),
        (parts, stops) => {
          const byPart = createStopChecker(stops);
          const byLetter = createStopChecker(stops);
          for (const part of parts) {
            const found = byPart.push(part, true);
            const single = [...part]
              .map((letter) => byLetter.push(letter, true))
              .find((stop) => stop !== undefined);
            expect(found).toBe(single);
            if (found !== undefined) return;
          }
        },
      ),
      { seed: 4, numRuns: 300 },
    );
  });
});
