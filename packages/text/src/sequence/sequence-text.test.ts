import { describe, expect, it } from "vitest";
import { TINY_END, tinyTokenizer } from "../tokenizer/tiny-tokenizer.cases.ts";
import { createSequenceText, type SequenceText, type SequenceTextOptions } from "./sequence-text.ts";

const tokenizer = tinyTokenizer();
const ids = (text: string): number[] => Array.from(tokenizer.encode(text, false));

function sequence(options: Partial<SequenceTextOptions> = {}): SequenceText {
  return createSequenceText({
    tokenizer,
    promptTokenIds: [],
    skipSpecialTokens: true,
    spacesBetweenSpecialTokens: true,
    stop: [],
    includeStopString: false,
    minTokens: 0,
    maxTokens: 1000,
    ignoreEos: false,
    endOfSequenceTokenId: TINY_END,
    stopTokenIds: new Set(),
    ...options,
  });
}

/** Pushes token by token and collects the texts. */
const feed = (text: SequenceText, tokens: readonly number[]): string[] =>
  tokens.map((token) => text.push([token], 1).text);

describe("createSequenceText()", () => {
  it("gives text out as tokens come and counts tokens and code points", () => {
    const text = sequence();
    expect({ ...text.push(ids("hello world"), 3) }).toEqual({
      text: "hello wor",
      tokenStart: 0,
      tokenEnd: 3,
    });
    expect({ ...text.push(ids("😀"), 4) }).toEqual({ text: "😀", tokenStart: 3, tokenEnd: 7 });
    expect([text.tokenCount, text.expectedFinish]).toEqual([7, undefined]);
  });

  it("never splits a code point", () => {
    expect(feed(sequence(), ids("a😀你"))).toEqual(["a", "", "", "", "😀", "", "你"]);
  });

  it("reads only the given number of ids", () => {
    const text = sequence();
    expect(text.push(ids("abc"), 2).text).toBe("ab");
    expect(text.tokenCount).toBe(2);
  });

  it("ends with the end-of-sequence token, whose text is left out", () => {
    const text = sequence({ skipSpecialTokens: false });
    expect(feed(text, [...ids("a"), TINY_END])).toEqual(["a", ""]);
    expect([text.tokenCount, text.expectedFinish]).toEqual([2, { reason: "stop", stopReason: null }]);
  });

  it("prints the text of a stop token when stop strings are included", () => {
    const text = sequence({ skipSpecialTokens: false, includeStopString: true });
    expect(feed(text, [...ids("a"), TINY_END])).toEqual(["a", "<end>"]);
  });

  it("goes on after the end-of-sequence token with ignore_eos", () => {
    const text = sequence({ ignoreEos: true });
    expect(feed(text, [TINY_END, ...ids("a")])).toEqual(["", "a"]);
    expect(text.expectedFinish).toBeUndefined();
  });

  it("ends with a stop token and names it", () => {
    const text = sequence({ stopTokenIds: new Set([120]) });
    expect(feed(text, ids("axb"))).toEqual(["a", "", ""]);
    expect([text.tokenCount, text.expectedFinish]).toEqual([2, { reason: "stop", stopReason: 120 }]);
  });

  it("ends at the token limit; the end-of-sequence token counts first", () => {
    const text = sequence({ maxTokens: 2 });
    expect(feed(text, ids("abc"))).toEqual(["a", "b", ""]);
    expect([text.tokenCount, text.expectedFinish]).toEqual([2, { reason: "length", stopReason: null }]);
    const ended = sequence({ maxTokens: 1 });
    feed(ended, [TINY_END]);
    expect(ended.expectedFinish).toEqual({ reason: "stop", stopReason: null });
  });

  it("gives out what was held back with the last token", () => {
    const text = sequence({ stop: ["xyz"], maxTokens: 3 });
    expect(feed(text, ids("abc"))).toEqual(["", "", "abc"]);
  });

  it("gives out what was held back when the sequence ends otherwise", () => {
    const text = sequence({ stop: ["xyz"] });
    expect(feed(text, ids("abxy"))).toEqual(["", "", "a", "b"]);
    expect({ ...text.finish() }).toEqual({ text: "xy", tokenStart: 4, tokenEnd: 4 });
    expect(text.finish().text).toBe("");
  });
});

describe("stop strings", () => {
  it("are cut off across tokens and nothing of them is given out", () => {
    const text = sequence({ stop: ["lo w"] });
    expect(feed(text, ids("hello world")).join("")).toBe("hel");
    expect([text.expectedFinish, text.tokenCount]).toEqual([{ reason: "stop", stopReason: "lo w" }, 2]);
  });

  it("are kept when asked, and then nothing is held back", () => {
    const text = sequence({ stop: ["bc"], includeStopString: true });
    expect(feed(text, ids("abcd"))).toEqual(["a", "b", "c", ""]);
    expect(text.expectedFinish).toEqual({ reason: "stop", stopReason: "bc" });
  });

  it("cut what follows them in the same token", () => {
    expect(feed(sequence({ stop: ["el"], includeStopString: true }), ids("hello"))).toEqual(["hel"]);
    expect(feed(sequence({ stop: ["el"] }), ids("hello"))).toEqual(["h"]);
  });

  it("count by where they end, then by their order", () => {
    const winner = (stop: string[]): unknown => {
      const text = sequence({ stop });
      text.push(ids("abcd"), 4);
      return text.expectedFinish?.stopReason;
    };
    expect(winner(["abcd", "bc"])).toBe("bc");
    expect(winner(["bc", "abc"])).toBe("bc");
    expect(winner(["abc", "bc"])).toBe("abc");
  });

  it("drop the tokens after the one that completes them", () => {
    const text = sequence({ stop: ["b"] });
    const delta = text.push(ids("abcd"), 4);
    expect({ ...delta }).toEqual({ text: "a", tokenStart: 0, tokenEnd: 2 });
  });

  it("win over the token limit and the end-of-sequence token of the same output", () => {
    const text = sequence({ stop: ["b"], maxTokens: 2 });
    text.push(ids("ab"), 2);
    expect(text.expectedFinish).toEqual({ reason: "stop", stopReason: "b" });
  });

  it("are not looked for in the first min_tokens tokens", () => {
    const text = sequence({ stop: ["b"], minTokens: 3 });
    expect(feed(text, ids("abcbd")).join("")).toBe("abc");
    expect(text.tokenCount).toBe(4);
    const atOnce = sequence({ stop: ["b"], minTokens: 3 });
    expect(atOnce.push(ids("abcbd"), 5).text).toBe("abc");
  });

  it("may begin before min_tokens and end after", () => {
    const text = sequence({ stop: ["cd"], minTokens: 3 });
    expect(feed(text, ids("abcdef")).join("")).toBe("ab");
  });

  it("hold back code points, not halves of them", () => {
    expect(feed(sequence({ stop: ["xx"] }), ids("😀😀a"))).toEqual(["", "", "", "", "", "", "", "😀", "😀"]);
  });

  it("do not match one half of a surrogate pair", () => {
    const text = sequence({ stop: ["\ude00"] });
    expect(feed(text, ids("😀a")).join("")).toBe("😀a");
    expect(text.expectedFinish).toBeUndefined();
  });
});
