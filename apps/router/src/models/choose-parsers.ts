/** What a model's parsers can be told from. */
export interface ParserClues {
  /** Path or hub name. */
  readonly name: string;
  /** `model_type` of config.json; empty when unknown. */
  readonly modelType: string;
  /** Text of the chat template for conversations with tools; empty when there is none. */
  readonly template: string;
}

type Pattern = readonly [pattern: RegExp, parser: string];

/** Parsers by architecture, where all models of one speak the same way. */
const TOOL_BY_MODEL_TYPE: readonly Pattern[] = [
  [/^gpt_oss$/, "openai"],
  [/^glm4_moe_lite$|^glm_moe_dsa$/, "glm47"],
  [/^glm4_moe$/, "glm45"],
  [/^kimi_k2/, "kimi_k2"],
  [/^minimax_m2$/, "minimax_m2"],
  [/^seed_oss$/, "seed_oss"],
  [/^step3p5$/, "step3p5"],
  [/^step3/, "step3"],
  [/^hunyuan_v1/, "hunyuan_a13b"],
  [/^jamba$/, "jamba"],
  [/^mimo/, "mimo"],
];

/** Marks in a template, the most telling first. */
const TOOL_BY_TEMPLATE: readonly Pattern[] = [
  [/<minimax:tool_call>/, "minimax_m2"],
  [/<seed:tool_call>/, "seed_oss"],
  [/<\|tool_calls_section_begin\|>/, "kimi_k2"],
  [/<arg_key>/, "glm47"],
  [/<function=/, "qwen3_coder"],
  [/<｜tool▁calls▁begin｜>[^]*function<｜tool▁sep｜>/, "deepseek_v3"],
  [/<｜tool▁calls▁begin｜>/, "deepseek_v31"],
  [/\[TOOL_CALLS\]/, "mistral"],
  [/functools\[/, "phi4_mini_json"],
  [/<\|python_start\|>/, "llama4_pythonic"],
  [/<tool_call>/, "hermes"],
  [/"parameters": (?:dictionary|\{)/, "llama3_json"],
];

/** Patterns of names, as vLLM's Rust front end has them. */
const TOOL_BY_NAME: readonly Pattern[] = [
  [/mistral-|mixtral-/, "mistral"],
  [/qwen3-coder|qwen2\.5-coder|qwen3\.5/, "qwen3_coder"],
  [/qwen/, "hermes"],
  [/hermes/, "hermes"],
  [/llama-4/, "llama4_json"],
  [/llama-3\.[12]/, "llama3_json"],
  [/deepseek-r1/, "deepseek_v3"],
  [/deepseek-v3\.1/, "deepseek_v31"],
  [/deepseek-v3/, "deepseek_v3"],
  [/glm-5|glm-4\.7/, "glm47"],
  [/glm-4\.[56]/, "glm45"],
  [/granite-4/, "granite4"],
  [/kimi-k2/, "kimi_k2"],
  [/minimax|mm-m2/, "minimax_m2"],
  [/seed-?oss/, "seed_oss"],
];

const REASONING_BY_MODEL_TYPE: readonly Pattern[] = [
  [/^gpt_oss$/, "openai_gptoss"],
  [/^glm4_moe|^glm_moe_dsa$/, "glm45"],
  [/^kimi_k2/, "kimi_k2"],
  [/^minimax_m2$/, "minimax_m2"],
  [/^seed_oss$/, "seed_oss"],
  [/^step3p5$/, "step3p5"],
  [/^step3/, "step3"],
  [/^nemotron_h/, "nemotron_v3"],
  [/^hunyuan_v1/, "hunyuan_a13b"],
  [/^mimo/, "mimo"],
];

const REASONING_BY_TEMPLATE: readonly Pattern[] = [
  [/<seed:think>/, "seed_oss"],
  [/enable_thinking[^]*<\/think>|<\/think>[^]*enable_thinking/, "qwen3"],
];

const REASONING_BY_NAME: readonly Pattern[] = [
  [/deepseek-r1/, "deepseek_r1"],
  [/deepseek-v3/, "deepseek_v3"],
  [/qwen/, "qwen3"],
  [/glm-5|glm-4\.[567]/, "glm45"],
  [/kimi-k2/, "kimi_k2"],
  [/step-?3p5|step-3\.5/, "step3p5"],
  [/step3/, "step3"],
  [/seed-?oss/, "seed_oss"],
  [/minimax|mm-m2/, "minimax_m2"],
  [/nano|nemotron/, "nemotron_v3"],
];

/** The tool parser of a model: by architecture, then template, then name; undefined for none that is known. */
export function chooseToolParser(clues: ParserClues): string | undefined {
  return (
    firstMatch(TOOL_BY_MODEL_TYPE, clues.modelType) ??
    firstMatch(TOOL_BY_TEMPLATE, clues.template) ??
    firstMatch(TOOL_BY_NAME, clues.name.toLowerCase())
  );
}

/** The reasoning parser of a model, by the same clues. */
export function chooseReasoningParser(clues: ParserClues): string | undefined {
  const byTemplate = firstMatch(REASONING_BY_TEMPLATE, clues.template);
  const byName = firstMatch(REASONING_BY_NAME, clues.name.toLowerCase());
  const byType = firstMatch(REASONING_BY_MODEL_TYPE, clues.modelType);
  // Without a thinking mark in the template a name says little: Qwen 2.5 is called Qwen too.
  return (
    byType ??
    byTemplate ??
    (clues.template.includes("</think>") || clues.template === "" ? byName : undefined)
  );
}

function firstMatch(patterns: readonly Pattern[], text: string): string | undefined {
  return patterns.find(([pattern]) => pattern.test(text))?.[1];
}
