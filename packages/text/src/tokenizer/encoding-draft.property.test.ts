import { array, assert, boolean, constantFrom, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { tinyTokenizer } from "./tiny-tokenizer.cases.ts";

const PARTS = [
  "<user>",
  "<end>",
  "hello world ",
  "é中😀",
  "hello ".repeat(40),
  "\ud800",
  " ",
  "中 hello wo ".repeat(30),
];

describe("drafts", () => {
  it("come to what encoding gives, whoever encodes the unknown stretches and whatever is remembered", () => {
    const own = tinyTokenizer();
    const elsewhere = tinyTokenizer();
    const reference = tinyTokenizer();
    assert(
      property(array(constantFrom(...PARTS), { maxLength: 12 }), boolean(), (parts, addSpecialTokens) => {
        const text = parts.join("");
        const draft = own.draft(text, addSpecialTokens);
        const ids = draft.complete(elsewhere.encodeStretches(draft.unknown));
        expect(ids).toEqual(reference.encode(text, addSpecialTokens));
        expect(own.encode(text, addSpecialTokens)).toEqual(ids);
      }),
      { seed: 20261128, numRuns: 300 },
    );
  });

  it("leave out what was encoded twice lately", () => {
    const tokenizer = tinyTokenizer();
    const text = `<user>${"hello world ".repeat(20)}<end>`;
    const units = (): number => tokenizer.draft(text, false).unknownUnits;
    expect(units()).toBe(240);
    for (let round = 0; round < 2; round += 1) {
      const draft = tokenizer.draft(text, false);
      draft.complete(tokenizer.encodeStretches(draft.unknown));
    }
    expect(units()).toBe(0);
    expect(tokenizer.draft(text, true).complete([])).toEqual(tokenizer.encode(text, true));
  });

  it("tell a stretch at the beginning from others", () => {
    const prefixed = { pre_tokenizer: { type: "ByteLevel", add_prefix_space: true, use_regex: true } };
    const tokenizer = tinyTokenizer(prefixed);
    const draft = tokenizer.draft("hello<user>hello", false);
    expect(draft.unknown.map(({ isAtStart }) => isAtStart)).toEqual([true, false]);
    expect(draft.complete(tokenizer.encodeStretches(draft.unknown))).toEqual(
      tinyTokenizer(prefixed).encode("hello<user>hello", false),
    );
  });
});
