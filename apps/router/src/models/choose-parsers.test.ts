import { describe, expect, it } from "vitest";
import { REASONING_PARSERS, TOOL_PARSERS } from "@vllm-router/text";
import { chooseReasoningParser, chooseToolParser, type ParserClues } from "./choose-parsers.ts";

function clues(given: Partial<ParserClues>): ParserClues {
  return { name: "some/model", modelType: "", template: "", ...given };
}

describe("chooseToolParser()", () => {
  it.each([
    // Architecture wins over template and name.
    [{ modelType: "minimax_m2", template: "<tool_call>", name: "qwen" }, "minimax_m2"],
    [{ modelType: "glm4_moe" }, "glm45"],
    [{ modelType: "kimi_k2" }, "kimi_k2"],
    // Then the template.
    [
      { modelType: "qwen3_moe", template: "<tool_call>\n<function=", name: "Qwen/Qwen3-Coder-30B" },
      "qwen3_coder",
    ],
    [{ modelType: "qwen3", template: '<tool_call>\n{"name": ', name: "Qwen/Qwen3-8B" }, "hermes"],
    [{ template: "<|tool_calls_section_begin|>" }, "kimi_k2"],
    // Then the name.
    [{ name: "NousResearch/Hermes-3" }, "hermes"],
    [{ name: "meta-llama/Llama-3.1-8B-Instruct" }, "llama3_json"],
    [{ name: "ibm-granite/granite-4.0-h" }, "granite4"],
    [{}, undefined],
  ])("goes by architecture, template, name: %j", (given, parser) => {
    expect(chooseToolParser(clues(given))).toBe(parser);
    expect(parser === undefined || TOOL_PARSERS.has(parser)).toBe(true);
  });
});

describe("chooseReasoningParser()", () => {
  it.each([
    [{ modelType: "seed_oss" }, "seed_oss"],
    [{ template: "{% if enable_thinking %}<think></think>{% endif %}", name: "a/b" }, "qwen3"],
    [{ name: "deepseek-ai/DeepSeek-R1", template: "</think>" }, "deepseek_r1"],
    // A name alone says little where the template knows no thinking.
    [{ name: "Qwen/Qwen2.5-7B-Instruct", template: "<|im_start|>" }, undefined],
    [{}, undefined],
  ])("goes by architecture, template, name: %j", (given, parser) => {
    expect(chooseReasoningParser(clues(given))).toBe(parser);
    expect(parser === undefined || REASONING_PARSERS.has(parser)).toBe(true);
  });
});
