import { describe, expect, it } from "vitest";
import { cleanUpSpaces, compileDecoder } from "./decoder.ts";

describe("compileDecoder()", () => {
  const decode = (json: unknown, ...tokens: string[]): string => compileDecoder(json).decode(tokens);
  const sentencePiece = {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "ByteFallback" },
      { type: "Fuse" },
      { type: "Strip", content: " ", start: 1, stop: 0 },
    ],
  };

  it("joins SentencePiece tokens and puts bytes together", () => {
    expect(decode(sentencePiece, "▁Hey", "▁", "<0xE5>", "<0x8F>", "<0xAB>", "!")).toBe("Hey 叫!");
    expect(decode(sentencePiece, "<0xE5>", "<0x8F>", "a")).toBe("\ufffd\ufffda");
    expect(decode(sentencePiece, "▁▁x")).toBe(" x");
  });

  it("knows the other decoders", () => {
    expect(decode(null, "a", "b")).toBe("a b");
    expect(decode({ type: "ByteLevel" }, "Ġh", "Ã©", "<｜x｜>")).toBe(" hé<｜x｜>");
    expect(decode({ type: "WordPiece", prefix: "##", cleanup: true }, "he", "##llo", ",", "you")).toBe(
      "hello, you",
    );
    expect(decode({ type: "Metaspace", replacement: "▁", prepend_scheme: "always" }, "▁a", "▁b")).toBe("a b");
    expect(decode({ type: "Metaspace", replacement: "▁", prepend_scheme: "never" }, "▁a", "▁b")).toBe(" a b");
    expect(decode({ type: "BPEDecoder", suffix: "</w>" }, "a</w>", "b", "c</w>")).toBe("a bc");
    expect(decode({ type: "Strip", content: "_", start: 1, stop: 2 }, "_a__", "__", "")).toBe("a");
  });

  it("takes back spaces of word pieces", () => {
    expect(cleanUpSpaces("I do not , he 's . really ?")).toBe("I don't, he's. really?");
  });
});
