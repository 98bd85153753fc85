import { engineReasoning, engineTools } from "../engine/engine-family.ts";
import type { EngineParser, EnginePass } from "../engine/engine-parser.ts";
import type { OutputParserContext } from "../output-parser.ts";
import { qwen3Format, Qwen3Parser, type ThinkingFormats } from "./qwen3.ts";

const MARKS = {
  thinkStart: "<seed:think>",
  thinkEnd: "</seed:think>",
  toolStart: "<seed:tool_call>",
  toolEnd: "</seed:tool_call>",
};

const TURNS = { turnBoundaries: ["<seed:bos>", "<seed:eos>"] };

const FORMATS: ThinkingFormats = {
  on: qwen3Format(true, TURNS, MARKS),
  off: qwen3Format(false, TURNS, MARKS),
};

const make = (context: OutputParserContext, pass: EnginePass): EngineParser =>
  new Qwen3Parser(FORMATS, context, pass);

/** Seed OSS: Qwen 3's reasoning between `<seed:think>` and `</seed:think>`. */
export const seedOssReasoning = engineReasoning(make);

/** Seed OSS: Qwen 3 Coder's calls inside `<seed:tool_call>`. */
export const seedOssTools = engineTools(make);
