import type { ReasoningParserFamily } from "../reasoning-parser.ts";
import { ThinkTokenReasoning } from "./think-tokens.ts";

/** DeepSeek R1: everything up to `</think>` is reasoning, also where the prompt has opened it. */
export const deepseekR1Reasoning: ReasoningParserFamily = {
  engineBased: false,
  keepsSpecialTokens: false,
  create: ({ tokenizer }) =>
    new ThinkTokenReasoning(tokenizer, { start: "<think>", end: "</think>", family: "deepseek_r1" }, true),
};
