import { describe, expect, it } from "vitest";
import { normalizeKnown } from "./normalizer-steps.ts";
import { unknownToNormalization } from "./unicode-differences.ts";

/** The library's normalizers do not know these yet: they are left alone on purpose. */
const unknown = new RegExp(`[${unknownToNormalization}]`, "v");

/** What stands before the last part of each character that NFC composes. */
function composingFirsts(): string[] {
  const firsts = new Set<string>();
  for (let code = 0xa0; code < 0x1d800; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    const parts = Array.from(character.normalize("NFD"));
    if (parts.length < 2 || character.normalize("NFC") !== character || unknown.test(character)) continue;
    firsts.add(parts.slice(0, -1).join("").normalize("NFC"));
  }
  // Of the Hangul syllables some are enough: all compose with the same jamo.
  return [...firsts].filter((first) => !/[\uac00-\ud7a3]/u.test(first)).concat("가", "힣");
}

describe("NFC", { timeout: 60_000 }, () => {
  it("is not left out before any character that joins the one before it", () => {
    const firsts = composingFirsts();
    expect(firsts.length).toBeGreaterThan(300);
    const missed: string[] = [];
    for (let code = 0x300; code < 0x1f000; code++) {
      // Ideographs, Hangul syllables and surrogates join nothing.
      if ((code > 0x3400 && code < 0xa000) || (code > 0xac00 && code < 0xe000)) continue;
      const character = String.fromCodePoint(code);
      if (unknown.test(character)) continue;
      const text = firsts.map((first) => first + character).join("");
      const composed = text.normalize("NFC");
      if (normalizeKnown(text, "NFC") !== composed) missed.push(code.toString(16));
    }
    expect(missed).toEqual([]);
  });

  it("composes in the middle of a text that is composed otherwise", () => {
    expect(normalizeKnown("漢字 cafe\u0301 ー", "NFC")).toBe("漢字 café ー");
    expect(normalizeKnown("\u1100\u1161\u11a8", "NFC")).toBe("각");
    expect(normalizeKnown("\u212b", "NFC")).toBe("Å");
    expect(normalizeKnown("\u{1f600}が\u{2f800}", "NFC")).toBe("\u{1f600}が丽");
  });
});
