import { describe, expect, it } from "vitest";
import { createTokenizer } from "./create-tokenizer.ts";
import { fixture, readTokenizerFiles, type TestModel } from "./installed-tokenizer.cases.ts";

type Recorded = readonly [
  text: string,
  addSpecialTokens: boolean,
  ids: number[],
  decoded: string,
  plain: string,
];

const encodings = JSON.parse(fixture("transformers-encodings.json").toString("utf8")) as Record<
  TestModel,
  Recorded[]
>;

describe("tokenizers as transformers 5.19 loads them, class and configuration included", () => {
  it.each(Object.keys(encodings) as TestModel[])("%s", { timeout: 30_000 }, (model) => {
    const tokenizer = createTokenizer(readTokenizerFiles(model));
    for (const [text, addSpecialTokens, ids, decoded, plain] of encodings[model]) {
      expect({ text, ids: Array.from(tokenizer.encode(text, addSpecialTokens)) }).toEqual({ text, ids });
      expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(decoded);
      expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(plain);
    }
  });

  it("reads tokenizer.json as it is for model types whose class transformers ignores", () => {
    const files = readTokenizerFiles("smollm2");
    const encode = (modelType: string): string =>
      createTokenizer({ ...files, modelConfig: JSON.stringify({ model_type: modelType }) })
        .encode("a  1", false)
        .join();
    expect(encode("llama")).toBe(createTokenizer(files).encode("a  1", false).join());
    expect(encode("granite")).toBe(
      createTokenizer({ tokenizerJson: files.tokenizerJson }).encode("a  1", false).join(),
    );
    expect(encode("granite")).not.toBe(encode("llama"));
  });
});
