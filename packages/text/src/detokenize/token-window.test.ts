import { describe, expect, it } from "vitest";
import { createDetokenizer } from "./detokenizer.ts";
import { decodeInWindow, EMPTY_WINDOW, promptWindow } from "./token-window.ts";
import { createTokenizer } from "../tokenizer/create-tokenizer.ts";

/** Every byte a token, and one special token. */
function byteTokenizer(): ReturnType<typeof createTokenizer> {
  const printable = [...Array(256).keys()].filter(
    (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174,
  );
  let extra = 256;
  const letters = [...Array(256).keys()].map((byte) =>
    String.fromCodePoint(printable.includes(byte) ? byte : extra++),
  );
  return createTokenizer({
    tokenizerJson: JSON.stringify({
      added_tokens: [{ id: 256, content: "<end>", special: true, normalized: false }],
      pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: false },
      decoder: { type: "ByteLevel" },
      model: {
        type: "BPE",
        vocab: Object.fromEntries(letters.map((letter, id) => [letter, id])),
        merges: [],
      },
    }),
    tokenizerConfig: JSON.stringify({ eos_token: "<end>" }),
  });
}

describe("decoding that can be laid down and taken up", () => {
  const tokenizer = byteTokenizer();
  const ids = [...tokenizer.encode("a wörld 😀 世界", false), 256];

  it("gives the text of the detokeniser, cut anywhere", () => {
    const detokenizer = createDetokenizer(tokenizer, {
      promptTokenIds: [1, 2, 3],
      skipSpecialTokens: true,
      spacesBetweenSpecialTokens: true,
    });
    let window = promptWindow(tokenizer, [1, 2, 3], true);
    for (const id of ids) {
      const step = decodeInWindow(tokenizer, [id], { window, skipSpecialTokens: true });
      expect(step.text).toBe(detokenizer.push(id));
      // As a client sends it back.
      window = JSON.parse(JSON.stringify(step.window)) as typeof window;
      expect(window.tokens.length).toBeLessThan(10);
    }
  });

  it("keeps special tokens where asked to, and knows ids that are none", () => {
    const kept = decodeInWindow(tokenizer, [...ids, 9999], {
      window: EMPTY_WINDOW,
      skipSpecialTokens: false,
    });
    expect(kept.text).toBe("a wörld 😀 世界<end>");
  });

  it("makes something of offsets that nobody gave out", () => {
    const window = { tokens: ["a"], prefixOffset: 5, readOffset: 9 };
    expect(() => decodeInWindow(tokenizer, ids, { window, skipSpecialTokens: true })).not.toThrow();
  });
});
