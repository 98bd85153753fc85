import {
  createHarmonyParser,
  createOutputParser,
  REASONING_PARSERS,
  TextError,
  TOOL_PARSERS,
  type OutputParserContext,
  type ParserSelection,
  type Tokenizer,
  type ToolStrictLevel,
} from "@vllm-router/text";
import { RouterError } from "../router-error.ts";
import { chooseReasoningParser, chooseToolParser, type ParserClues } from "./choose-parsers.ts";

/** Flags about parsers. */
export interface ParserFlags {
  readonly enableAutoToolChoice: boolean;
  /** `--tool-call-parser`; `auto` chooses by the model. */
  readonly toolCallParser?: string | undefined;
  /** `--reasoning-parser`; `auto` chooses by the model, empty for none. */
  readonly reasoningParser?: string | undefined;
  readonly excludeToolsWhenToolChoiceNone: boolean;
  readonly toolStrictLevel: ToolStrictLevel;
}

/** How the outputs of a model are taken apart. */
export interface ModelParsers {
  /** Undefined where the model's text is the answer's text. */
  readonly selection: ParserSelection | undefined;
  readonly autoToolChoice: boolean;
  readonly excludeToolsWhenNone: boolean;
  readonly strictLevel: ToolStrictLevel;
  readonly toolCallIds: OutputParserContext["toolCallIds"];
  /** True for gpt-oss, whose conversations are rendered in Harmony instead of by a template. */
  readonly harmony: boolean;
}

/** A server without parsers. */
export const NO_PARSERS: ModelParsers = {
  selection: undefined,
  autoToolChoice: false,
  excludeToolsWhenNone: false,
  strictLevel: "auto",
  toolCallIds: "random",
  harmony: false,
};

const HARMONY_MODEL = "gpt_oss";
const HARMONY_REASONING = "openai_gptoss";

/** Models that number their calls through the conversation. */
const NUMBERING_MODELS: ReadonlySet<string> = new Set(["kimi_k2", "kimi_k25", "kimi_k3"]);

/**
 * Checks the names of parsers, with vLLM's words.
 * @throws RouterError `parsers`
 */
export function checkParserFlags(flags: ParserFlags): void {
  const { enableAutoToolChoice, toolCallParser, reasoningParser } = flags;
  if (enableAutoToolChoice && toolCallParser !== undefined) {
    checkName("tool call", toolCallParser, [...TOOL_PARSERS.keys()]);
  }
  if (reasoningParser !== undefined && reasoningParser !== "") {
    checkName("reasoning", reasoningParser, [...REASONING_PARSERS.keys()]);
  }
}

function checkName(kind: string, name: string, known: readonly string[]): void {
  if (name !== "auto" && !known.includes(name)) {
    throw new RouterError(
      "parsers",
      `invalid ${kind} parser: ${name} (chose from { ${[...known, "auto"].toSorted().join(",")} })`,
    );
  }
}

/**
 * Chooses a model's parsers and tries them on its tokenizer.
 * @throws RouterError `parsers` where the tokenizer lacks a token they need, or no tool parser is known for the model
 */
export function selectParsers(
  flags: ParserFlags,
  model: { readonly clues: ParserClues; readonly tokenizer: Tokenizer },
): ModelParsers {
  const { clues, tokenizer } = model;
  const toolName =
    flags.toolCallParser === "auto" ? chooseToolParser(clues) : (flags.toolCallParser ?? undefined);
  const harmony = clues.modelType === HARMONY_MODEL;
  const named = flags.reasoningParser === "auto" ? chooseReasoningParser(clues) : flags.reasoningParser;
  // vLLM gives gpt-oss its reasoning parser unasked.
  const reasoningName = harmony && (named === undefined || named === "") ? HARMONY_REASONING : named;
  if (flags.enableAutoToolChoice && (toolName === undefined || !TOOL_PARSERS.has(toolName))) {
    throw new RouterError(
      "parsers",
      `--tool-call-parser auto: no parser is known for '${clues.name}'; name one of ${[...TOOL_PARSERS.keys()].toSorted().join(", ")}`,
    );
  }
  // As in vLLM, the tool parser runs only where the model may call by itself.
  const tool = flags.enableAutoToolChoice && toolName !== undefined ? TOOL_PARSERS.get(toolName) : undefined;
  const reasoning =
    reasoningName === undefined || reasoningName === "" ? undefined : REASONING_PARSERS.get(reasoningName);
  const whole = harmony ? createHarmonyParser : undefined;
  const selection = tool === undefined && reasoning === undefined ? undefined : { tool, reasoning, whole };
  if (selection !== undefined) {
    tryParsers(selection, tokenizer, { toolName, reasoningName, modelName: clues.name });
  }
  return {
    selection,
    autoToolChoice: flags.enableAutoToolChoice,
    excludeToolsWhenNone: flags.excludeToolsWhenToolChoiceNone,
    strictLevel: flags.toolStrictLevel,
    toolCallIds: NUMBERING_MODELS.has(clues.modelType) ? "kimi_k2" : "random",
    harmony,
  };
}

function tryParsers(
  selection: ParserSelection,
  tokenizer: Tokenizer,
  names: {
    readonly toolName: string | undefined;
    readonly reasoningName: string | undefined;
    readonly modelName: string;
  },
): void {
  try {
    createOutputParser(selection, emptyContext(tokenizer));
  } catch (error) {
    if (!(error instanceof TextError)) {
      throw error;
    }
    const flags = [
      selection.tool === undefined ? "" : `--tool-call-parser ${names.toolName ?? ""}`,
      selection.reasoning === undefined ? "" : `--reasoning-parser ${names.reasoningName ?? ""}`,
    ].filter((flag) => flag !== "");
    throw new RouterError(
      "parsers",
      `${flags.join(" and ")} cannot be used with the tokenizer of '${names.modelName}': ${error.message}`,
      { cause: error },
    );
  }
}

function emptyContext(tokenizer: Tokenizer): OutputParserContext {
  return {
    tokenizer,
    tools: [],
    toolChoice: "auto",
    promptTokenIds: [],
    templateKwargs: new Map(),
    requestKwargs: new Map(),
    includeReasoning: true,
    autoToolChoice: true,
    toolCallIds: "random",
    historyToolCalls: 0,
    random: { hexadecimal: () => "", alphanumeric: () => "" },
  };
}
