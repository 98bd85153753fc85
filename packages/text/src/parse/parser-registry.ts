import { createDelegatingParser, type ParserFamilies } from "./delegating-parser.ts";
import { glmReasoning, glmTools } from "./families/glm.ts";
import { gptOssReasoning, gptOssTools } from "./families/gpt-oss.ts";
import { graniteThinkingReasoning } from "./families/granite-thinking.ts";
import { graniteTools } from "./families/granite.ts";
import { granite4Tools } from "./families/granite4.ts";
import { kimiK2Reasoning, kimiK2Tools } from "./families/kimi-k2.ts";
import { mimoReasoning, mimoTools } from "./families/mimo.ts";
import { minimaxM2Reasoning, minimaxM2Tools } from "./families/minimax-m2.ts";
import { mistralReasoning, mistralTools } from "./families/mistral.ts";
import { nemotronV3Reasoning } from "./families/nemotron-v3.ts";
import { qwen3Reasoning, qwen3Tools } from "./families/qwen3.ts";
import { seedOssReasoning, seedOssTools } from "./families/seed-oss.ts";
import { step3p5Reasoning, step3p5Tools } from "./families/step3p5.ts";
import { deepseekV31Tools, deepseekV3Tools } from "./families/deepseek-v3.ts";
import { hermesTools } from "./families/hermes.ts";
import { hunyuanTools } from "./families/hunyuan.ts";
import { jambaTools } from "./families/jamba.ts";
import { llamaJsonTools } from "./families/llama-json.ts";
import { phi4MiniTools } from "./families/phi4-mini.ts";
import { llama4PythonicTools, pythonicTools } from "./families/pythonic.ts";
import type { OutputParser, OutputParserContext } from "./output-parser.ts";
import { step3Tools } from "./families/step3.ts";
import { xlamTools } from "./families/xlam.ts";
import { deepseekR1Reasoning } from "./reasoning/deepseek-r1.ts";
import { deepseekV3Reasoning, holo2Reasoning } from "./reasoning/deepseek-v3.ts";
import { graniteReasoning } from "./reasoning/granite.ts";
import { minimaxAppendThinkReasoning } from "./reasoning/minimax-append-think.ts";
import { step3Reasoning } from "./reasoning/step3.ts";
import type { ReasoningParserFamily } from "./reasoning-parser.ts";
import type { ToolParserFamily } from "./tool-parser.ts";

/** Tool parsers by the name `--tool-call-parser` takes. */
export const TOOL_PARSERS: ReadonlyMap<string, ToolParserFamily> = new Map([
  ["hermes", hermesTools],
  ["qwen3_json", hermesTools],
  ["qwen3_coder", qwen3Tools],
  ["qwen3_xml", qwen3Tools],
  ["glm45", glmTools],
  ["glm47", glmTools],
  ["granite", graniteTools],
  ["granite4", granite4Tools],
  ["kimi_k2", kimiK2Tools],
  ["mimo", mimoTools],
  ["minimax_m2", minimaxM2Tools],
  ["seed_oss", seedOssTools],
  ["step3p5", step3p5Tools],
  ["llama3_json", llamaJsonTools],
  ["llama4_json", llamaJsonTools],
  ["pythonic", pythonicTools],
  ["llama4_pythonic", llama4PythonicTools],
  ["jamba", jambaTools],
  ["deepseek_v3", deepseekV3Tools],
  ["deepseek_v31", deepseekV31Tools],
  ["hunyuan_a13b", hunyuanTools],
  ["xlam", xlamTools],
  ["step3", step3Tools],
  ["phi4_mini_json", phi4MiniTools],
  ["openai", gptOssTools],
  ["mistral", mistralTools],
]);

/** Reasoning parsers by the name `--reasoning-parser` takes. */
export const REASONING_PARSERS: ReadonlyMap<string, ReasoningParserFamily> = new Map([
  ["deepseek_r1", deepseekR1Reasoning],
  ["deepseek_v3", deepseekV3Reasoning],
  ["holo2", holo2Reasoning],
  ["openai_gptoss", gptOssReasoning],
  ["mistral", mistralReasoning],
  ["step3", step3Reasoning],
  ["qwen3", qwen3Reasoning],
  ["glm45", glmReasoning],
  ["glm47", glmReasoning],
  ["granite", graniteReasoning],
  ["granite_thinking_parser", graniteThinkingReasoning],
  ["kimi_k2", kimiK2Reasoning],
  ["mimo", mimoReasoning],
  ["minimax_m2", minimaxM2Reasoning],
  ["minimax_m2_append_think", minimaxAppendThinkReasoning],
  ["nemotron_v3", nemotronV3Reasoning],
  ["seed_oss", seedOssReasoning],
  ["step3p5", step3p5Reasoning],
]);

/** The parsers of a server, chosen once per model. */
export interface ParserSelection extends ParserFamilies {
  /**
   * A parser that takes reasoning and calls apart in one go instead of the two families, which then only say what runs:
   * Harmony does so.
   */
  readonly whole: ((families: ParserFamilies, context: OutputParserContext) => OutputParser) | undefined;
}

/**
 * A parser for one sequence.
 * @throws TextError `parser_unsupported` where the tokenizer lacks a token a family needs
 */
export function createOutputParser(selection: ParserSelection, context: OutputParserContext): OutputParser {
  return (selection.whole ?? createDelegatingParser)(selection, context);
}
