import { describe, expect, it } from "vitest";
import { toByteCharacters } from "./byte-alphabet.ts";
import { MappedVocabulary } from "./vocabulary.ts";
import { WholeTokens } from "./whole-tokens.ts";

describe("WholeTokens", () => {
  const words = [
    "a",
    "ab",
    " the",
    "é",
    "漢字",
    "\u0000",
    "\n\n",
    "x".repeat(90),
    ...Array.from({ length: 5000 }, (_, n) => `w${n}`),
  ];
  const tokens = new WholeTokens(
    new MappedVocabulary(new Map(words.map((word, id) => [toByteCharacters(word), id]))),
  );
  const find = (word: string): number => {
    const bytes = new TextEncoder().encode(`..${word}..`);
    return tokens.find(bytes, 2, bytes.length - 4);
  };

  it("finds every token by its bytes", () => {
    expect(words.map((word) => find(word))).toEqual(words.map((_, id) => id));
  });

  it("finds nothing else", () => {
    const others = [
      "",
      "b",
      "aa",
      "the",
      "x".repeat(91),
      "漢",
      ...Array.from({ length: 20_000 }, (_, n) => `w${n + 5000}`),
    ];
    expect(others.filter((word) => find(word) !== -1)).toEqual([]);
  });
});
