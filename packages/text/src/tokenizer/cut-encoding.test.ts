import { describe, expect, it } from "vitest";
import { continueEncoding } from "./cut-encoding.ts";
import { expectContinued } from "./cut-encoding.cases.ts";
import { oddToken } from "./odd-tokenizers.cases.ts";
import { tinyTokenizer } from "./tiny-tokenizer.cases.ts";

/** The longest token of the tiny tokenizer, `<user>`, has six units. */
const MARGIN = 7;

describe("encodings with cuts", () => {
  it("have a cut where a token begins, but not at the beginning", () => {
    const { tokenIds, cuts } = tinyTokenizer().encodeWithCuts("<user>hello<end><user> x");
    expect(tokenIds).toEqual(tinyTokenizer().encode("<user>hello<end><user> x", false));
    expect([...cuts]).toEqual([11, 2, 16, 3]);
  });

  it("hold up to the last cut whose token is known to be one", () => {
    const tokenizer = tinyTokenizer();
    const encoding = tokenizer.encodeWithCuts("<user>hello<end><user> x");
    const cuts = Array.from({ length: 25 }, (_, units) => tokenizer.lastCut(encoding, units));
    expect(cuts.indexOf(cuts.find((cut) => cut !== undefined))).toBe(11 + MARGIN);
    expect(cuts[11 + MARGIN]).toEqual({ units: 11, ids: 2 });
    expect(cuts[15 + MARGIN]).toEqual({ units: 11, ids: 2 });
    expect(cuts[16 + MARGIN]).toEqual({ units: 16, ids: 3 });
  });

  it("have none without added tokens", () => {
    const tokenizer = tinyTokenizer({ added_tokens: [] });
    const encoding = tokenizer.encodeWithCuts("hello world");
    expect(tokenizer.lastCut(encoding, 11)).toBeUndefined();
    expect(tokenizer.lastCut(tokenizer.encodeWithCuts(""), 0)).toBeUndefined();
  });

  it("have none where a token looks at what is left of it, or may begin inside a character", () => {
    const tokenizer = tinyTokenizer({
      added_tokens: [
        oddToken(300, "<end>", { lstrip: true }),
        oddToken(301, "<user>", { single_word: true }),
        oddToken(302, "\ude00"),
        oddToken(303, "<beg>", { rstrip: true }),
      ],
    });
    expect([...tokenizer.encodeWithCuts("hello <end> <user> 😀 <beg>  x").cuts]).toEqual([22, 10]);
  });

  it("go on with what others encoded of a draft", () => {
    const tokenizer = tinyTokenizer();
    const text = `${"hello ".repeat(30)}<user>${"wo ".repeat(100)}<end>hello<user>`;
    const expected = tinyTokenizer().encodeWithCuts(text);
    for (let round = 0; round < 3; round++) {
      const draft = tokenizer.draft(text, round === 1);
      const ids = tinyTokenizer().encodeStretches(draft.unknown);
      expect(draft.completeWithCuts(ids)).toEqual(expected);
    }
  });

  it("are continued again and again", () => {
    const tokenizer = tinyTokenizer();
    let text = "";
    let encoding = tokenizer.encodeWithCuts(text);
    for (let turn = 0; turn < 6; turn++) {
      const longer = `${text}<user>hello ${turn}<end> wo<user>`;
      const cut = tokenizer.lastCut(encoding, text.length);
      expect(cut === undefined).toBe(turn === 0);
      encoding = cut
        ? continueEncoding(encoding, cut, tokenizer.encodeWithCuts(longer.slice(cut.units)))
        : tokenizer.encodeWithCuts(longer);
      text = longer;
      expect(encoding).toEqual(tinyTokenizer().encodeWithCuts(text));
    }
  });
});

/** Each is wrong with a margin that is smaller, or with a cut that is none. */
const PAIRS: Readonly<Record<string, readonly [added: readonly object[], earlier: string, later: string]>> = {
  "a token that becomes a longer one, which takes the spaces left of it": [
    [oddToken(300, "<a>"), oddToken(301, "<a>bcdef", { lstrip: true })],
    "hello  <a>bcdeg hello",
    "hello  <a>bcdef hello",
  ],
  "the same with a lone surrogate at its end": [
    [oddToken(300, "<a>"), oddToken(301, "<a>bcdef\ufffd", { lstrip: true })],
    "hello  <a>bcdef\ud83d\ude00",
    "hello  <a>bcdef\ud83d hello",
  ],
  "a longer one that began before": [
    [oddToken(300, "¤"), oddToken(301, "<a>"), oddToken(302, "¤<a>bcdef")],
    "hello ¤<a>bcdeg hello",
    "hello ¤<a>bcdef hello",
  ],
  "a token that stands alone before one that begins with a character of two units": [
    [oddToken(300, "<w>", { single_word: true }), oddToken(301, "\u{1d538}")],
    "hello <w>\u{1d538} hello",
    "hello <w>\u{1d538}hello",
  ],
  "a token that takes the spaces right of it": [
    [oddToken(300, "<r>", { rstrip: true }), oddToken(301, "  ")],
    "hello<r>     <r>    hello",
    "hello<r>     <r>      hello",
  ],
  "a first word that has a space before it": [
    [oddToken(300, "<a>")],
    "<a>hello<a>hello hello",
    "<a>hello<a>hello",
  ],
};

describe("a text that begins like an earlier one", () => {
  it.each(Object.entries(PAIRS))(
    "has its own ids whatever is known to be shared: %s",
    (_, [added, earlier, later]) => {
      const overrides = {
        added_tokens: added,
        pre_tokenizer: { type: "ByteLevel", add_prefix_space: true, use_regex: true },
      };
      const tokenizers = { own: tinyTokenizer(overrides), reference: tinyTokenizer(overrides) };
      const texts = [
        { earlier, later },
        { earlier: later, later: earlier },
        { earlier, later: earlier },
        { earlier: later, later },
      ];
      expect(texts.map((pair) => expectContinued(tokenizers, pair))).toContain(true);
    },
  );
});
