import { describe, expect, it } from "vitest";
import { quoteJson } from "./string-text.ts";
import { unwritableText } from "./unwritable-text.ts";

describe("unwritableText()", () => {
  it.each([
    ["a\ud800", "character '\\ud800' in position 2"],
    ["😀\udc00 \ud800", "character '\\udc00' in position 2"],
    ["\udc00\udc00", "characters in position 1-2"],
    ['\\ud800 "\ud801', "character '\\ud801' in position 11"],
  ])("says of %j what Python says", (text, what) => {
    expect(unwritableText(quoteJson(text))).toBe(
      `'utf-8' codec can't encode ${what}: surrogates not allowed`,
    );
  });

  it.each(["", "plain", "\\ud800", "😀", "\u0001"])("has nothing to say of %j", (text) => {
    expect(unwritableText(quoteJson(text))).toBeUndefined();
  });
});
