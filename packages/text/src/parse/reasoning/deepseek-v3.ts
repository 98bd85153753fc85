import { truthy } from "../../template/python/compare.ts";
import type { OutputParserContext } from "../output-parser.ts";
import type { ReasoningParser, ReasoningParserFamily } from "../reasoning-parser.ts";
import { deepseekR1Reasoning } from "./deepseek-r1.ts";
import { IdentityReasoning } from "./identity.ts";

const SWITCHES = ["thinking", "enable_thinking"];

function create(context: OutputParserContext, byDefault: boolean): ReasoningParser {
  const given = SWITCHES.map((name) => context.templateKwargs.get(name) ?? null);
  const isUnsaid = given.every((value) => value === null);
  const thinks = isUnsaid ? byDefault : given.some((value) => truthy(value));
  return thinks ? deepseekR1Reasoning.create(context) : new IdentityReasoning();
}

/** DeepSeek V3.1: as DeepSeek R1 where the template is told to think, else no reasoning. */
export const deepseekV3Reasoning: ReasoningParserFamily = {
  engineBased: false,
  keepsSpecialTokens: false,
  create: (context) => create(context, false),
};

/** Holo 2: as DeepSeek V3.1, but thinking unless told not to. */
export const holo2Reasoning: ReasoningParserFamily = {
  ...deepseekV3Reasoning,
  create: (context) => create(context, true),
};
