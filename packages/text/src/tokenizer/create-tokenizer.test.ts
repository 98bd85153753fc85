import { describe, expect, it } from "vitest";
import { TextError } from "../text-error.ts";
import { createTokenizer } from "./create-tokenizer.ts";
import { tinyTokenizer, tinyTokenizerJson } from "./tiny-tokenizer.cases.ts";

const text = (tokenizer: ReturnType<typeof tinyTokenizer>, input: string): string[] =>
  Array.from(tokenizer.encode(input, false), (id) => tokenizer.tokenPiece(id) ?? "?");

function addedToken(content: string, properties: Record<string, boolean> = {}): unknown {
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return { id: 300, content, ...plain, ...properties };
}

describe("createTokenizer()", () => {
  const tokenizer = tinyTokenizer();

  it("merges by rank and spells bytes", () => {
    expect(text(tokenizer, "hello world é")).toEqual(["hello", "Ġwo", "r", "l", "d", "Ġ", "Ã", "©"]);
  });

  it("cuts added tokens out and frames with special tokens when asked", () => {
    expect(text(tokenizer, "<user>hello<end>")).toEqual(["<user>", "hello", "<end>"]);
    expect(Array.from(tokenizer.encode("<tool>", true))).toEqual([303, 302]);
    expect(Array.from(tokenizer.encode("", true))).toEqual([303]);
    const { before, after } = tokenizer.specialFrame;
    expect([...before, ...tokenizer.encode("<tool>", false), ...after]).toEqual([303, 302]);
  });

  it("counts lone surrogates as U+FFFD", () => {
    expect(tokenizer.encode("a\ud800b\udc00", false)).toEqual(tokenizer.encode("a\ufffdb\ufffd", false));
  });

  it("describes its vocabulary", () => {
    expect(tokenizer.vocabularySize).toBe(256 + 7 + 4);
    expect(tokenizer.maxTokenCharacters).toBe(6);
    expect(tokenizer.specialTokens).toEqual(
      new Map([
        ["bos_token", "<beg>"],
        ["eos_token", "<end>"],
      ]),
    );
    expect(tokenizer.endOfSequenceTokenId).toBe(300);
    expect([300, 302, 5, 9999].map((id) => tokenizer.isSpecial(id))).toEqual([true, false, false, false]);
    expect([tokenizer.tokenId("Ġwo"), tokenizer.tokenId("<tool>"), tokenizer.tokenId("nothing")]).toEqual([
      261,
      302,
      undefined,
    ]);
    expect([tokenizer.tokenPiece(261), tokenizer.tokenPiece(302), tokenizer.tokenPiece(9999)]).toEqual([
      "Ġwo",
      "<tool>",
      undefined,
    ]);
  });

  it("decodes with and without special tokens, broken bytes as U+FFFD, unknown ids as nothing", () => {
    const ids = [301, ...tokenizer.encode("hello 中", false), 262, 9999, 300];
    expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe("<user>hello 中\ufffd<end>");
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("hello 中\ufffd");
    expect(tokenizer.tokenText(262)).toBe("\ufffd");
    expect(tokenizer.tokenText(9999)).toBe("");
  });

  it("merges long words as it merges short ones", () => {
    expect(text(tokenizer, "hello".repeat(100))).toEqual(Array.from({ length: 100 }, () => "hello"));
    expect(text(tokenizer, "hello".repeat(10))).toEqual(Array.from({ length: 10 }, () => "hello"));
  });
});

describe("added tokens", () => {
  const withToken = (
    properties: Record<string, boolean>,
    more: Record<string, unknown> = {},
  ): ((input: string) => string[]) => {
    const tokenizer = tinyTokenizer({ added_tokens: [addedToken("<x>", properties)], ...more });
    return (input) => text(tokenizer, input);
  };

  it("takes white space with lstrip and rstrip", () => {
    expect(withToken({ lstrip: true })("a  <x> b")).toEqual(["a", "<x>", "Ġ", "b"]);
    expect(withToken({ rstrip: true })("a <x> \n b")).toEqual(["a", "Ġ", "<x>", "b"]);
  });

  it("finds single words only where no word touches them", () => {
    const encode = withToken({ single_word: true });
    expect(encode("<x>,<x>")).toEqual(["<x>", ",", "<x>"]);
    expect(encode("a<x>")).toEqual(["a", "<", "x", ">"]);
    expect(encode("<x>é")).toEqual(["<", "x", ">", "Ã", "©"]);
  });

  it("finds normalized tokens in the normalized text", () => {
    const normalizer = { type: "Lowercase" };
    expect(withToken({ normalized: true }, { normalizer })("A<X>b")).toEqual(["a", "<x>", "b"]);
    expect(withToken({ normalized: false }, { normalizer })("A<X>")).toEqual(["a", "<", "x", ">"]);
  });

  it("prefers the longest of several that begin alike", () => {
    const tokenizer = tinyTokenizer({
      added_tokens: [addedToken("<x>"), { ...(addedToken("<x>y") as object), id: 301 }],
    });
    expect(Array.from(tokenizer.encode("<x>y<x>z", false))).toEqual([301, 300, 122]);
  });
});

describe("broken and unsupported files", () => {
  const failure = (tokenizerJson: string): string => {
    try {
      createTokenizer({ tokenizerJson });
      return "none";
    } catch (error) {
      return error instanceof TextError ? `${error.code}: ${error.message}` : `foreign ${String(error)}`;
    }
  };
  const model = (overrides: Record<string, unknown>): string =>
    tinyTokenizerJson({
      model: { ...(JSON.parse(tinyTokenizerJson()) as { model: object }).model, ...overrides },
    });

  it.each([
    ["{", "tokenizer_invalid: tokenizer.json: not valid JSON"],
    ["[]", "tokenizer_invalid: tokenizer.json: not a JSON object"],
    ["{}", 'tokenizer_invalid: tokenizer.json: "model" is not an object'],
    [
      model({ merges: ["h zz"] }),
      "tokenizer_invalid: tokenizer.json: merge 0 uses a token outside the vocabulary",
    ],
    [model({ merges: [7] }), 'tokenizer_invalid: tokenizer.json: "merges[0]" is not a pair of tokens'],
    [
      model({ vocab: { a: -1 }, merges: [] }),
      'tokenizer_invalid: tokenizer.json: "vocab["a"]" is not a token id',
    ],
    [model({ dropout: 0.1 }), "tokenizer_unsupported: tokenizer.json: a BPE model with dropout"],
    [model({ type: "Novel" }), 'tokenizer_unsupported: tokenizer.json: a model of type "Novel"'],
    [
      tinyTokenizerJson({ added_tokens: 3 }),
      'tokenizer_invalid: tokenizer.json: "added_tokens" is not an array',
    ],
    [
      tinyTokenizerJson({ added_tokens: [{ id: "x" }] }),
      'tokenizer_invalid: tokenizer.json: "content" is not a string',
    ],
    [
      tinyTokenizerJson({ normalizer: { type: "Magic" } }),
      'tokenizer_unsupported: tokenizer.json: a normalizer of type "Magic"',
    ],
    [
      tinyTokenizerJson({ pre_tokenizer: { type: "Magic" } }),
      'tokenizer_unsupported: tokenizer.json: a pre_tokenizer of type "Magic"',
    ],
    [
      tinyTokenizerJson({ decoder: { type: "Magic" } }),
      'tokenizer_unsupported: tokenizer.json: a decoder of type "Magic"',
    ],
    [
      tinyTokenizerJson({ post_processor: { type: "Magic" } }),
      'tokenizer_unsupported: tokenizer.json: a post_processor of type "Magic"',
    ],
    [
      tinyTokenizerJson({
        pre_tokenizer: {
          type: "Split",
          pattern: { Regex: "\\p{Klingon}" },
          behavior: "Isolated",
          invert: false,
        },
      }),
      "tokenizer_unsupported: tokenizer.json: unknown character property \\p{Klingon} in a pattern",
    ],
  ])("names what is wrong with %.40s", (json, message) => {
    expect(failure(json)).toBe(message);
  });
});
