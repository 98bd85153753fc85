import { array, assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { tinyTokenizer } from "./tiny-tokenizer.cases.ts";
import type { Tokenizer } from "./tokenizer.ts";

const token = (id: number, content: string, own: object = {}): object => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...own,
});

/** Tokens of every kind: one that begins another, ones that take spaces, one that stands alone. */
const TOKENS = {
  added_tokens: [
    token(300, "<end>"),
    token(301, "<user>"),
    token(303, "<beg>"),
    token(304, "<a"),
    token(305, "<a>"),
    token(306, "<left>", { lstrip: true }),
    token(307, "<right>", { rstrip: true }),
    token(308, "<word>", { single_word: true }),
    token(309, "<normal>", { normalized: true, special: false }),
  ],
};
const PREFIX_SPACE = { pre_tokenizer: { type: "ByteLevel", add_prefix_space: true, use_regex: true } };

const PARTS = [
  "<end>",
  "<user>",
  "<a",
  ">",
  "<left>",
  "<right>",
  "<word>",
  "<normal>",
  "hello world ",
  "é中😀",
  " ",
  "  ",
  "\ud800",
  "\udc00",
  "x",
  "\n",
  "hello ".repeat(40),
  "中 hello wo ".repeat(30),
];

const part = constantFrom(...PARTS);
const turn = record({
  /** How much of the text before stays: all, or some of its parts. */
  keeps: integer({ min: 0, max: 100 }),
  adds: array(part, { maxLength: 5 }),
  addSpecialTokens: boolean(),
  asDraft: boolean(),
});

function encodeAtOnce(tokenizer: Tokenizer, text: string, addSpecialTokens: boolean): Int32Array {
  return tokenizer.encode(text, addSpecialTokens);
}

function encodeInTwoSteps(tokenizer: Tokenizer, text: string, addSpecialTokens: boolean): Int32Array {
  const draft = tokenizer.draft(text, addSpecialTokens);
  return draft.complete(tokenizer.encodeStretches(draft.unknown));
}

describe("remembered prompts", () => {
  it.each([
    ["plain", {}],
    ["with a space before the first word", PREFIX_SPACE],
  ])("change no ids, whatever they have in common: %s", (_, own) => {
    const reference = { ...TOKENS, ...own };
    assert(
      property(
        array(part, { minLength: 4, maxLength: 30 }),
        array(turn, { maxLength: 8 }),
        (begun, turns) => {
          const tokenizer = tinyTokenizer(reference);
          let parts = ["hello wo<user>".repeat(300), ...begun];
          for (const { keeps, adds, addSpecialTokens, asDraft } of turns) {
            const kept = keeps > 60 ? parts.length : Math.floor((parts.length * keeps) / 60);
            parts = [...parts.slice(0, Math.max(1, kept)), ...adds];
            const text = parts.join("");
            expect(tokenizer.isWellFormed(text)).toBe(!/\p{Surrogate}/u.test(text));
            const expected = tinyTokenizer(reference).encode(text, addSpecialTokens);
            const encode = asDraft ? encodeInTwoSteps : encodeAtOnce;
            expect(encode(tokenizer, text, addSpecialTokens)).toEqual(expected);
          }
        },
      ),
      { seed: 20261128, numRuns: 150 },
    );
  });
});
