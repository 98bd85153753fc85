import { describe, expect, it } from "vitest";
import { literalPattern, translatePattern } from "./pattern-translation.ts";

/** Pieces that a pattern matches in a text. */
const matches = (pattern: string, text: string): string[] => text.match(translatePattern(pattern)) ?? [];

describe("translatePattern()", () => {
  it("takes white space from Unicode, not from JavaScript", () => {
    expect(matches(String.raw`\s`, "a\u0085b\ufeffc\u2003")).toEqual(["\u0085", "\u2003"]);
    expect(matches(String.raw`[^\S]`, "\u0085\ufeff")).toEqual(["\u0085"]);
  });

  it("knows letters, numbers and words up to Unicode 16", () => {
    expect(matches(String.raw`\p{L}`, "aé中\u{323b0}\ua7cf1")).toEqual(["a", "é", "中"]);
    expect(matches(String.raw`[^\p{L}\p{N}]`, "a1\u{323b0}!")).toEqual(["\u{323b0}", "!"]);
    expect(matches(String.raw`\p{Ll}`, "\u0295A")).toEqual(["\u0295"]);
    expect(matches(String.raw`\w+`, "a_1² b-")).toEqual(["a_1²", "b"]);
    expect(matches(String.raw`\p{Han}+|[[:alpha:]]+`, "漢字ab")).toEqual(["漢字", "ab"]);
    expect(matches(String.raw`\P{L}\p{^L}`, "a12")).toEqual(["12"]);
  });

  it("expands (?i:…) with the letters that fold to ASCII", () => {
    expect(matches("(?i:'s|'k)", "'s 'S 'ſ 'k 'K 'K 't")).toEqual(["'s", "'S", "'ſ", "'k", "'K", "'K"]);
    expect(matches("(?i)ab|C(?-i)d", "AB cd cD")).toEqual(["AB", "cd"]);
    expect(matches("(?i:[r-t])", "RſTu")).toEqual(["R", "ſ", "T"]);
  });

  it("keeps possessive quantifiers and atomic groups from giving back", () => {
    expect(matches("a++b|a+c", "aab aac")).toEqual(["aab", "aac"]);
    expect(matches("a++a", "aaa")).toEqual([]);
    expect(matches("(?>a|ab)c", "abc ac")).toEqual(["ac"]);
    expect(matches(String.raw`[^\r\n\p{L}\p{N}]?+\p{L}+`, "!ab")).toEqual(["!ab"]);
  });

  it("reads intervals, dots and anchors as Oniguruma does", () => {
    expect(matches("a{,2}b", "aaab")).toEqual(["aab"]);
    expect(matches("(?:ab){2}+", "ababababab")).toEqual(["abababab"]);
    expect(matches(".", "\r\n\u2028")).toEqual(["\r", "\u2028"]);
    expect(matches("^a", "a\na\ra")).toEqual(["a", "a"]);
    expect(matches(String.raw`\Aa|b\z`, "aab\nb")).toEqual(["a", "b"]);
  });

  it("reads classes with escapes, sets, ranges and intersections", () => {
    expect(matches(String.raw`[\[\]\-&\u4e00-\u4e10]`, "[]-&一")).toEqual(["[", "]", "-", "&", "一"]);
    expect(matches("[a-z&&[^aeiou]]+", "hello")).toEqual(["h", "ll"]);
    expect(matches("[a[bc]]", "abcd")).toEqual(["a", "b", "c"]);
    expect(matches(String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_\`{|}~]`, "~a^")).toEqual(["~", "^"]);
  });

  it.each([
    "(",
    "a)",
    "*a",
    String.raw`\1(a)`,
    String.raw`\k<n>`,
    "[a",
    String.raw`\p{Nonsense}`,
    "(?<=a|(?i:\\p{L}))(?x)",
  ])("refuses %s", (pattern) => {
    expect(() => translatePattern(pattern)).toThrow(
      expect.objectContaining({ code: "tokenizer_unsupported" }),
    );
  });

  it("escapes literal patterns", () => {
    expect("a.b*c|d".split(literalPattern(".b*c|"))).toEqual(["a", "d"]);
  });

  it("has counted every character that JavaScript knows and Oniguruma does not", () => {
    // Fails on a runtime with a newer Unicode than 17: unicode-differences.ts has to be extended then.
    const letters = translatePattern(String.raw`\p{L}`);
    let count = 0;
    for (let plane = 0; plane < 17; plane++) {
      let text = "";
      for (let code = plane << 16; code < (plane + 1) << 16; code++) {
        if (code < 0xd800 || code > 0xdfff) text += String.fromCodePoint(code);
      }
      count += text.match(letters)?.length ?? 0;
    }
    expect(count).toBe(141_028);
  });
});
