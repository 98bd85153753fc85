import { createTokenizer } from "@vllm-router/text";
import { describe, expect, it } from "vitest";
import { TINY_TOKENIZER } from "../../test/tiny-model.ts";
import { checkParserFlags, selectParsers, type ModelParsers, type ParserFlags } from "./model-parsers.ts";

const tokenizer = createTokenizer({ tokenizerJson: JSON.stringify(TINY_TOKENIZER) });

function flagsOf(given: Partial<ParserFlags>): ParserFlags {
  return {
    enableAutoToolChoice: true,
    excludeToolsWhenToolChoiceNone: false,
    toolStrictLevel: "auto",
    ...given,
  };
}

function select(
  given: Partial<ParserFlags>,
  clues: { name?: string; modelType?: string } = {},
): ModelParsers {
  return selectParsers(flagsOf(given), {
    tokenizer,
    clues: { name: "a/b", modelType: "", template: "", ...clues },
  });
}

describe("checkParserFlags()", () => {
  it("knows the names of parsers, auto, and no name at all", () => {
    const check =
      (given: Partial<ParserFlags>): (() => void) =>
      () =>
        checkParserFlags(flagsOf(given));
    expect(check({ toolCallParser: "hermes", reasoningParser: "qwen3" })).not.toThrow();
    expect(check({ toolCallParser: "auto", reasoningParser: "" })).not.toThrow();
    expect(check({ toolCallParser: "nobody" })).toThrow(
      /^invalid tool call parser: nobody \(chose from \{ .*hermes/,
    );
    expect(check({ reasoningParser: "nobody" })).toThrow(
      /^invalid reasoning parser: nobody \(chose from \{ .*qwen3/,
    );
    // As in vLLM, the tool parser's name counts only where it is used.
    expect(check({ enableAutoToolChoice: false, toolCallParser: "nobody" })).not.toThrow();
  });
});

describe("selectParsers()", () => {
  it("runs a tool parser only where the model may call by itself", () => {
    expect(select({ toolCallParser: "hermes" }).selection?.tool).toBeDefined();
    const off = select({ enableAutoToolChoice: false, toolCallParser: "hermes" });
    expect(off.selection).toBeUndefined();
  });

  it("gives gpt-oss its reasoning parser unasked, as vLLM does", () => {
    const given = { enableAutoToolChoice: false };
    expect(select(given).selection).toBeUndefined();
    expect(() => select(given, { modelType: "gpt_oss" })).toThrow(
      "--reasoning-parser openai_gptoss cannot be used with the tokenizer of 'a/b'",
    );
  });

  it("chooses by the model, and says so where it cannot", () => {
    const chosen = select({ toolCallParser: "auto" }, { modelType: "kimi_k2" });
    expect(chosen.selection?.tool?.structuralTag).toBe("kimi");
    expect(chosen.toolCallIds).toBe("kimi_k2");
    expect(() => select({ toolCallParser: "auto" })).toThrow("no parser is known for 'a/b'; name one of");
    expect(
      select({ toolCallParser: "hermes", reasoningParser: "auto" }).selection?.reasoning,
    ).toBeUndefined();
  });

  it("tries the parsers on the tokenizer", () => {
    expect(() => select({ toolCallParser: "hermes", reasoningParser: "deepseek_r1" })).toThrow(
      "--tool-call-parser hermes and --reasoning-parser deepseek_r1 cannot be used with the tokenizer of 'a/b': " +
        "deepseek_r1 needs the token <think>, which the tokenizer lacks",
    );
  });
});
