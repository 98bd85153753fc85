import { describe, expect, it } from "vitest";
import { createTokenizer } from "../tokenizer/create-tokenizer.ts";
import { tinyTokenizer, tinyTokenizerJson } from "../tokenizer/tiny-tokenizer.cases.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { createDetokenizer } from "./detokenizer.ts";

const tokenizer = tinyTokenizer();
const ids = (text: string): number[] => Array.from(tokenizer.encode(text, false));

interface Options {
  readonly tokenizer?: Tokenizer;
  readonly prompt?: readonly number[];
  readonly skipSpecialTokens?: boolean;
  readonly spacesBetweenSpecialTokens?: boolean;
}

function texts(tokens: readonly number[], options: Options = {}): string[] {
  const detokenizer = createDetokenizer(options.tokenizer ?? tokenizer, {
    promptTokenIds: options.prompt ?? [],
    skipSpecialTokens: options.skipSpecialTokens ?? true,
    spacesBetweenSpecialTokens: options.spacesBetweenSpecialTokens ?? true,
  });
  return tokens.map((token) => detokenizer.push(token));
}

describe("createDetokenizer()", () => {
  it("holds incomplete characters back and gives them out whole", () => {
    expect(texts(ids("é你a"))).toEqual(["", "é", "", "你", "a"]);
  });

  it("shows broken bytes once something whole follows", () => {
    expect(texts([262, ...ids("a")])).toEqual(["", "\ufffda"]);
    expect(texts([262, 262, ...ids("b")])).toEqual(["", "", "\ufffd\ufffdb"]);
  });

  it("skips special tokens, not other added ones", () => {
    expect(texts([300, ...ids("a"), 301, 302])).toEqual(["", "a", "", "<tool>"]);
    expect(texts([300, ...ids("a"), 302], { skipSpecialTokens: false })).toEqual(["<end>", "a", "<tool>"]);
  });

  it("ignores ids outside the vocabulary", () => {
    expect(texts([9999, ...ids("a"), 262, 9999, ...ids("b")])).toEqual(["", "a", "", "", "\ufffdb"]);
  });

  it("takes the prompt as context only", () => {
    expect(texts(ids("a"), { prompt: ids("hello") })).toEqual(["a"]);
    expect(texts(ids("a"), { prompt: [...ids("hello"), 300] })).toEqual(["a"]);
  });

  it("repeats a prompt that ends inside a character, as vLLM does", () => {
    const [first, second] = ids("你") as [number, number];
    expect(texts([second, ...ids("a")], { prompt: [...ids("hello "), first] })).toEqual(["hello 你", "a"]);
    expect(texts(ids("ab"), { prompt: [...ids("x\ufffd"), 300] })).toEqual(["x\ufffda", "b"]);
  });

  it("leaves spaces between added tokens out when asked", () => {
    // Without a decoder tokens are joined by spaces.
    const spaced = tinyTokenizer({ decoder: null });
    const options = { tokenizer: spaced, skipSpecialTokens: false };
    expect(texts([301, 302, 300, 97], options)).toEqual(["<user>", " <tool>", " <end>", " a"]);
    expect(texts([301, 302, 300], { ...options, spacesBetweenSpecialTokens: false })).toEqual([
      "<user>",
      "<tool>",
      "<end>",
    ]);
  });
});

describe("a SentencePiece-like tokenizer", () => {
  const pieces = [
    "<unk>",
    "▁",
    "a",
    "b",
    "▁a",
    ...Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
  ];
  const byte = (value: number): number => 5 + value;
  const llama = createTokenizer({
    tokenizerJson: tinyTokenizerJson({
      added_tokens: [],
      pre_tokenizer: null,
      post_processor: null,
      normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
      decoder: {
        type: "Sequence",
        decoders: [
          { type: "Replace", pattern: { String: "▁" }, content: " " },
          { type: "ByteFallback" },
          { type: "Fuse" },
          { type: "Strip", content: " ", start: 1, stop: 0 },
        ],
      },
      model: {
        type: "BPE",
        vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
        merges: ["▁ a"],
        byte_fallback: true,
        unk_token: "<unk>",
        fuse_unk: true,
      },
    }),
  });

  it("falls back to bytes", () => {
    expect(Array.from(llama.encode("a aé", false))).toEqual([2, 4, byte(0xc3), byte(0xa9)]);
    expect(llama.decode([4, 4, byte(0xc3), byte(0xa9)], { skipSpecialTokens: true })).toBe("a aé");
  });

  it("streams spaces and bytes", () => {
    expect(texts([4, 4, 1, byte(0xc3), byte(0xa9), 2], { tokenizer: llama })).toEqual([
      "a",
      " a",
      " ",
      "",
      "é",
      "a",
    ]);
    expect(texts([4, 2], { tokenizer: llama, prompt: [4, 2] })).toEqual([" a", "a"]);
  });

  it("starts anew when a byte breaks the characters before it", () => {
    // 0x41 was given out as "A"; with 0xE4 after it the two bytes are no text, and vLLM resets its stream at the next token.
    expect(texts([byte(0x41), byte(0xe4), 2, 3], { tokenizer: llama })).toEqual(["A", "", "a", "b"]);
  });

  it("sees broken bytes that begin long before the end of the prompt", () => {
    const prompt = [4, 4, byte(0xe4), ...Array.from({ length: 20 }, () => byte(0x41))];
    expect(texts([2], { tokenizer: llama, prompt })).toEqual([`a a${"\ufffd".repeat(21)}a`]);
  });

  it("needs only the end of a long prompt", () => {
    const prompt = Array.from({ length: 100 }, () => 4);
    expect(texts([4, 2], { tokenizer: llama, prompt })).toEqual([" a", "a"]);
    const broken = [...prompt, byte(0xe4)];
    expect(texts([2], { tokenizer: llama, prompt: broken })).toEqual([`${"a" + " a".repeat(99)}\ufffda`]);
  });
});
