import type { Tokenizer } from "@vllm-router/text";
import { describe, expect, it } from "vitest";
import {
  checkedTokenIds,
  encodePoolingText,
  fitTokens,
  type PoolingModel,
  type PromptFitting,
} from "./encode-pooling-prompt.ts";

const START = 101;
const END = 102;
const PAD = 0;

/** As with BERT: a token a word, a token before and one after. A context of ten tokens, words of at most five letters. */
const model = {
  maxModelLength: 10,
  vocabularySize: 1000,
  tokenizer: {
    vocabularySize: 1000,
    highestTokenId: 9,
    maxTokenCharacters: 5,
    specialFrame: { before: [START], after: [END] },
    encode: (text: string, special: boolean) => {
      const own = text
        .split(" ")
        .filter((word) => word !== "")
        .map((word) => 200 + (word.codePointAt(0) ?? 0));
      return Int32Array.from(special ? [START, ...own, END] : own);
    },
  } as unknown as Tokenizer,
  pooling: { padTokenId: PAD, lowersCase: false },
} as PoolingModel;

const [A, B, C, D] = [297, 298, 299, 300];
const plain: PromptFitting = { truncatePromptTokens: null, truncationSide: null, padding: null };

function encode(text: string, fitting: Partial<PromptFitting> = {}, special = true): readonly unknown[] {
  return [...encodePoolingText(text, special, { fitting: { ...plain, ...fitting }, model })];
}

describe("a text for a model that pools", () => {
  it("is framed when asked", () => {
    expect(encode("a b")).toEqual([START, A, B, END]);
    expect(encode("a b", {}, false)).toEqual([A, B]);
    expect(encode("")).toEqual([START, END]);
  });

  // Recorded: vLLM 0.32 with all-MiniLM-L6-v2 gives the embeddings of these very tokens.
  it.each([
    [0, []],
    [1, [START]],
    [2, [START, END]],
    [3, [START, A, END]],
    [5, [START, A, B, C, END]],
    [-1, [START, A, B, C, D, END]],
  ])("keeps its special tokens when the tokenizer cuts it to %i", (truncatePromptTokens, tokens) => {
    expect(encode("a b c d", { truncatePromptTokens })).toEqual(tokens);
  });

  it("is cut with its frame when a side is named", () => {
    expect(encode("a b c", { truncatePromptTokens: 2, truncationSide: "right" })).toEqual([START, A]);
    expect(encode("a b c", { truncatePromptTokens: 2, truncationSide: "left" })).toEqual([C, END]);
    expect(encode("a b c", { truncatePromptTokens: 0, truncationSide: "left" })).toEqual([]);
    const long = Array.from({ length: 30 }, () => "a").join(" ");
    expect(encode(`${long} b`, { truncatePromptTokens: -1, truncationSide: "left" }).at(-2)).toBe(B);
  });

  it("is cut to the context by -1, and refused without", () => {
    const long = Array.from({ length: 12 }, () => "a").join(" ");
    const cut = encode(long, { truncatePromptTokens: -1 });
    expect([cut.length, cut.at(-1)]).toEqual([10, END]);
    expect(() => encode(long)).toThrow("your prompt contains at least 11 input tokens");
  });

  it("is refused before it is tokenised when no tokenisation could make it fit", () => {
    expect(() => encode("a".repeat(51))).toThrow("51 characters (more than 50 characters");
    // Characters are counted, not UTF-16 units.
    expect(() => encode("\u{1f600}".repeat(51))).toThrow("contains 51 characters");
    expect(encode("\u{1f600}".repeat(50)).length).toBe(3);
    expect(encode("a".repeat(60), { truncatePromptTokens: 4 })).toEqual([START, A, END]);
  });

  it("is filled up to the context after it was cut", () => {
    expect(encode("a", { padding: "max_length" })).toEqual([START, A, END, ...Array(7).fill(PAD)]);
    const fitting = { padding: "max_length", truncatePromptTokens: 2 } as const;
    expect(encode("a b", fitting)).toEqual([START, END, ...Array(8).fill(PAD)]);
    const without = { ...model, pooling: { ...model.pooling, padTokenId: undefined } };
    expect(() => fitTokens([1], { ...plain, padding: "max_length" }, without)).toThrow("`padding`");
  });

  it("is put into lower case where the model wants it", () => {
    const lowering = { ...model, pooling: { ...model.pooling, lowersCase: true } };
    expect([...encodePoolingText("A", false, { fitting: plain, model: lowering })]).toEqual([A]);
  });

  it("is refused as Python's tokenizer refuses half a character", () => {
    expect(() => encode("a\ud83d")).toThrow("TextEncodeInput must be Union");
  });
});

describe("checkedTokenIds", () => {
  it("passes ids of the vocabulary as 32-bit integers", () => {
    expect(checkedTokenIds([0, 999], model)).toEqual(Int32Array.of(0, 999));
  });

  it.each([
    [[], "The decoder prompt cannot be empty"],
    [[1, 1000], "Token id 1000 is out of vocabulary"],
    [[1, -1], "Token id -1 is out of vocabulary"],
    [[2n ** 70n], `Token id ${String(2n ** 70n)} is out of vocabulary`],
  ])("refuses with its reason, case %#", (tokenIds, message) => {
    expect(() => checkedTokenIds(tokenIds, model)).toThrow(message);
  });
});
