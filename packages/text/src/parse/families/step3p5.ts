import { engineReasoning, engineTools } from "../engine/engine-family.ts";
import { EngineParser, type EnginePass } from "../engine/engine-parser.ts";
import type { OutputParserContext } from "../output-parser.ts";
import { qwen3Format } from "./qwen3.ts";

/** The template always opens the reasoning and cannot switch it off. */
const FORMAT = qwen3Format(true, { trimsReasoning: true });

const make = (context: OutputParserContext, pass: EnginePass): EngineParser =>
  new EngineParser(FORMAT, context, pass);

/** Step 3.5: Qwen 3's reasoning, without the white space at its end. */
export const step3p5Reasoning = engineReasoning(make);

/** Step 3.5: Qwen 3 Coder's calls. */
export const step3p5Tools = engineTools(make, { structuralTag: "qwen_3_coder" });
