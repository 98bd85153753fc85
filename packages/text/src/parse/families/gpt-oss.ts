import { TextError } from "../../text-error.ts";
import type { ReasoningParserFamily } from "../reasoning-parser.ts";
import type { ToolParserFamily } from "../tool-parser.ts";

function onlyHarmony(name: string): never {
  throw new TextError(
    "parser_unsupported",
    `${name} parses Harmony, which only models of type gpt_oss write`,
  );
}

/** gpt-oss: that calls are looked for. The Harmony parser finds them itself. */
export const gptOssTools: ToolParserFamily = {
  engineBased: false,
  structuralTag: "harmony",
  forcedAsJson: false,
  specialTokens: "as-requested",
  defaultStrictLevel: undefined,
  create: () => onlyHarmony("openai"),
};

/** gpt-oss: that reasoning is looked for. The Harmony parser finds it itself. */
export const gptOssReasoning: ReasoningParserFamily = {
  engineBased: false,
  keepsSpecialTokens: false,
  create: () => onlyHarmony("openai_gptoss"),
};
