import { describe, expect, it } from "vitest";
import { createTokenizer } from "./create-tokenizer.ts";
import { readTokenizerFiles, type TestModel } from "./installed-tokenizer.cases.ts";

// Long runs of everything a scanner counts or a merge repeats. What took time in the square of the length would take hours, not seconds.

const LENGTH = 1 << 18;
const filled = (piece: string): string => piece.repeat(Math.ceil(LENGTH / piece.length));

const texts: Readonly<Record<string, string>> = {
  "one letter": filled("a"),
  "one word": filled("abcdefghijklmnop"),
  "large and small letters": filled("AaあB"),
  "large letters": filled("A"),
  "letters that are both, then large ones": filled("あ") + filled("B"),
  spaces: filled(" "),
  "spaces before a line end": `${filled(" \t")}\n`,
  "line ends and spaces": filled("\n \n"),
  digits: filled("7"),
  signs: filled("'"),
  slashes: `!${filled("/")}`,
  "control characters": filled("\u0001"),
  "combining marks": filled("\u0301"),
  ideographs: filled("漢字"),
  emoji: filled("😀"),
};

const models: readonly TestModel[] = ["qwen3", "gptoss", "deepseek_v3", "smollm2"];

describe.each(models)("%s on hostile texts", (model) => {
  const tokenizer = createTokenizer({ tokenizerJson: readTokenizerFiles(model).tokenizerJson });

  it.each(Object.entries(texts))("takes %s", { timeout: 60_000 }, (_, text) => {
    const ids = tokenizer.encode(text, false);
    expect(tokenizer.decode(ids, { skipSpecialTokens: false }) === text).toBe(true);
  });
});
