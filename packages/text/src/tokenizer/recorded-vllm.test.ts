import { describe, expect, it } from "vitest";
import { createDetokenizer } from "../detokenize/detokenizer.ts";
import { createTokenizer } from "./create-tokenizer.ts";
import { fixture, readTokenizerFiles } from "./installed-tokenizer.cases.ts";
import type { Tokenizer } from "./tokenizer.ts";

interface Recorded {
  readonly id: string;
  readonly model: "smollm2" | "tiny-qwen3";
  readonly prompt?: string;
  readonly addSpecialTokens?: boolean;
  readonly tokens?: number[];
  readonly tokenStrings?: string[] | null;
  readonly detokenized?: string;
  readonly promptTokens?: number[];
  readonly chunks?: readonly (readonly [number[], string])[];
}

const records = JSON.parse(fixture("recorded-vllm.json").toString("utf8")) as Recorded[];
const tokenizers = new Map<string, Tokenizer>();

function tokenizerOf(model: Recorded["model"]): Tokenizer {
  let tokenizer = tokenizers.get(model);
  tokenizer ??= createTokenizer(readTokenizerFiles(model === "smollm2" ? "smollm2" : "qwen3"));
  tokenizers.set(model, tokenizer);
  return tokenizer;
}

describe("answers of vLLM 0.32", { timeout: 30_000 }, () => {
  it.each(records.filter((record) => record.detokenized !== undefined))("$model $id", (record) => {
    const text = tokenizerOf(record.model).decode(record.tokens ?? [], { skipSpecialTokens: false });
    expect(text).toBe(record.detokenized);
  });

  it.each(records.filter((record) => record.prompt !== undefined && record.tokens !== undefined))(
    "$model $id",
    (record) => {
      const tokenizer = tokenizerOf(record.model);
      const ids = Array.from(tokenizer.encode(record.prompt ?? "", record.addSpecialTokens ?? true));
      expect(ids).toEqual(record.tokens);
      const pieces = ids.map((id) => tokenizer.tokenPiece(id));
      expect(pieces).toEqual(record.tokenStrings ?? pieces);
    },
  );

  it.each(records.filter((record) => record.chunks !== undefined))("$model $id", (record) => {
    const tokenizer = tokenizerOf(record.model);
    const promptTokenIds = Array.from(tokenizer.encode(record.prompt ?? "", true));
    expect(promptTokenIds).toEqual(record.promptTokens);
    const options = { promptTokenIds, skipSpecialTokens: true, spacesBetweenSpecialTokens: true };
    const detokenizer = createDetokenizer(tokenizer, options);
    for (const [ids, text] of record.chunks ?? []) {
      expect(ids.map((id) => detokenizer.push(id)).join("")).toBe(text);
    }
  });
});
