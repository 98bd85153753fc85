import { PythonicTools } from "../pythonic/pythonic-tools.ts";
import type { ToolParserFamily } from "../tool-parser.ts";

/** Llama 3.2 and ToolACE with calls in Python: `[f(a=1), g(b="x")]`. */
export const pythonicTools: ToolParserFamily = {
  engineBased: false,
  structuralTag: undefined,
  forcedAsJson: true,
  specialTokens: "as-requested",
  defaultStrictLevel: undefined,
  create: (context) => new PythonicTools(context, undefined),
};

const LLAMA4_MARKS = { start: "<|python_start|>", end: "<|python_end|>" };

/** Llama 4 with calls in Python, perhaps between `<|python_start|>` and `<|python_end|>`. */
export const llama4PythonicTools: ToolParserFamily = {
  ...pythonicTools,
  create: (context) => new PythonicTools(context, LLAMA4_MARKS),
};
