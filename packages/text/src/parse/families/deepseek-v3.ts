import type { ToolParserFamily } from "../tool-parser.ts";
import { DeepseekCalls, type DeepseekSyntax } from "./deepseek-calls.ts";

const V3: DeepseekSyntax = {
  family: "deepseek_v3",
  call: /<｜tool▁call▁begin｜>(?<type>[^\n]*)<｜tool▁sep｜>(?<name>[^\n]*)\n```json\n(?<arguments>[^\n]*)\n```<｜tool▁call▁end｜>/g,
  partial: [
    /^[^\n]*<｜tool▁sep｜>(?<name>[^\n]*)\n```json\n(?<arguments>[^\n]*[^\n`])/,
    /^[^\n]*<｜tool▁sep｜>(?<name>[^\n]*)\n/,
  ],
};

/** DeepSeek V3 and R1-0528: a call is `function<｜tool▁sep｜>NAME` and its arguments in a fence of JSON, between two tokens. */
export const deepseekV3Tools: ToolParserFamily = {
  engineBased: false,
  structuralTag: "deepseek_r1",
  forcedAsJson: false,
  specialTokens: "as-requested",
  defaultStrictLevel: undefined,
  create: (context) => new DeepseekCalls(context, V3),
};

const V31: DeepseekSyntax = {
  family: "deepseek_v31",
  call: /<｜tool▁call▁begin｜>(?<name>[^\n]*?)<｜tool▁sep｜>(?<arguments>[^\n]*?)<｜tool▁call▁end｜>/g,
  partial: [/^(?<name>[^\n]*)<｜tool▁sep｜>(?<arguments>[^\n]*)/],
};

/** DeepSeek V3.1: a call is `NAME<｜tool▁sep｜>{…}` between two tokens. */
export const deepseekV31Tools: ToolParserFamily = {
  ...deepseekV3Tools,
  structuralTag: "deepseek_v3_1",
  create: (context) => new DeepseekCalls(context, V31),
};
