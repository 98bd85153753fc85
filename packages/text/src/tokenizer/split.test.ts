import { describe, expect, it } from "vitest";
import { splitText } from "./split.ts";

describe("splitText()", () => {
  const split = (behavior: Parameters<typeof splitText>[2]["behavior"], invert = false): string[] =>
    splitText("The-final--countdown", /-/g, { behavior, invert });

  // The expected pieces are those of the library's own documentation.
  it("knows every behaviour", () => {
    expect(split("Removed")).toEqual(["The", "final", "countdown"]);
    expect(split("Isolated")).toEqual(["The", "-", "final", "-", "-", "countdown"]);
    expect(split("MergedWithPrevious")).toEqual(["The-", "final-", "-", "countdown"]);
    expect(split("MergedWithNext")).toEqual(["The", "-final", "-", "-countdown"]);
    expect(split("Contiguous")).toEqual(["The", "-", "final", "--", "countdown"]);
  });

  it("swaps matches and gaps", () => {
    expect(split("Removed", true)).toEqual(["-", "-", "-"]);
    expect(split("MergedWithPrevious", true)).toEqual(["The", "-final", "-", "-countdown"]);
  });

  it("leaves out empty pieces and keeps texts without a match", () => {
    expect(splitText("", /-/g, { behavior: "Isolated", invert: false })).toEqual([]);
    expect(splitText("abc", /-/g, { behavior: "Isolated", invert: false })).toEqual(["abc"]);
    expect(splitText("abc", /x*/g, { behavior: "Isolated", invert: false }).join("")).toBe("abc");
  });
});
