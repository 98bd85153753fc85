import { createDelegatingParser, type ParserFamilies } from "./delegating-parser.ts";
import { deepseekV31Tools, deepseekV3Tools } from "./families/deepseek-v3.ts";
import { hermesTools } from "./families/hermes.ts";
import { qwen3Reasoning, qwen3Tools } from "./families/qwen3.ts";
import { hunyuanTools } from "./families/hunyuan.ts";
import { jambaTools } from "./families/jamba.ts";
import { llamaJsonTools } from "./families/llama-json.ts";
import { phi4MiniTools } from "./families/phi4-mini.ts";
import { llama4PythonicTools, pythonicTools } from "./families/pythonic.ts";
import type { OutputParser, OutputParserContext } from "./output-parser.ts";
import { step3Tools } from "./families/step3.ts";
import { xlamTools } from "./families/xlam.ts";
import { deepseekR1Reasoning } from "./reasoning/deepseek-r1.ts";
import type { ReasoningParserFamily } from "./reasoning-parser.ts";
import type { ToolParserFamily } from "./tool-parser.ts";

/** Tool parsers by the name `--tool-call-parser` takes. */
export const TOOL_PARSERS: ReadonlyMap<string, ToolParserFamily> = new Map([
  ["hermes", hermesTools],
  ["qwen3_json", hermesTools],
  ["qwen3_coder", qwen3Tools],
  ["qwen3_xml", qwen3Tools],
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
]);

/** Reasoning parsers by the name `--reasoning-parser` takes. */
export const REASONING_PARSERS: ReadonlyMap<string, ReasoningParserFamily> = new Map([
  ["deepseek_r1", deepseekR1Reasoning],
  ["qwen3", qwen3Reasoning],
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
