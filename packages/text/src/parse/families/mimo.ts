import { engineReasoning, engineTools } from "../engine/engine-family.ts";
import type { EngineParser, EnginePass } from "../engine/engine-parser.ts";
import type { OpenValue } from "../engine/open-value.ts";
import type { OutputParserContext } from "../output-parser.ts";
import { openParameter, parametersToJson, qwen3Format, Qwen3Parser, type ThinkingFormats } from "./qwen3.ts";

/** Values stand right between their marks, so nothing is trimmed. */
const VERBATIM = {
  openValue: (raw: string): OpenValue | undefined => openParameter(raw, false),
  trimsBreakBehindValue: false,
  toArguments: (raw: string, partial: boolean): string => parametersToJson(raw, partial, (value) => value),
};

const FORMATS: ThinkingFormats = { on: qwen3Format(true, VERBATIM), off: qwen3Format(false, VERBATIM) };

const make = (context: OutputParserContext, pass: EnginePass): EngineParser =>
  new Qwen3Parser(FORMATS, context, pass);

/** MiMo: Qwen 3's reasoning. */
export const mimoReasoning = engineReasoning(make);

/** MiMo: Qwen 3 Coder's calls without line breaks. */
export const mimoTools = engineTools(make, { structuralTag: "mimo" });
