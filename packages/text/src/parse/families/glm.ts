import { truthy } from "../../template/python/compare.ts";
import { dumpJson, PLAIN_JSON } from "../../template/python/json-dump.ts";
import { strip } from "../../template/python/whitespace.ts";
import { engineReasoning, engineTools } from "../engine/engine-family.ts";
import { EngineParser, type EnginePass } from "../engine/engine-parser.ts";
import type { OpenValue } from "../engine/open-value.ts";
import { type OutputFormat, transitionTable } from "../engine/output-format.ts";
import type { OutputParserContext } from "../output-parser.ts";
import type { ExtractedReasoning } from "../reasoning-parser.ts";

const PAIR = /<arg_key>([^]*?)<\/arg_key>\s*<arg_value>([^]*?)<\/arg_value>/g;
const OPEN_PAIR = /<arg_key>([^]*?)<\/arg_key>\s*<arg_value>([^]*)$/;

function pairsToJson(raw: string, partial: boolean): string {
  const values = new Map<string, string>();
  for (const [, key = "", value = ""] of raw.matchAll(PAIR)) values.set(strip(key, "both"), value);
  if (partial) {
    const open = OPEN_PAIR.exec(raw.replace(PAIR, ""));
    const key = strip(open?.[1] ?? "", "both");
    if (open !== null && key !== "") values.set(key, open[2] ?? "");
  }
  return dumpJson(values, PLAIN_JSON);
}

/** The pair at the end that has no closing mark. */
function openPair(raw: string): OpenValue | undefined {
  const open = OPEN_PAIR.exec(raw.replace(PAIR, ""));
  return open === null ? undefined : { text: open[2] ?? "", tail: "" };
}

const CALLS = {
  TOOL_START: "<tool_call>",
  TOOL_END: "</tool_call>",
  KEY: "<arg_key>",
  KEY_END: "</arg_key>",
  VALUE: "<arg_value>",
  VALUE_END: "</arg_value>",
};

const CALL_LINES = [
  ["reasoning", "THINK_START", "reasoning"],
  ["reasoning", "TOOL_START", "tool-name", "reasoning-end", "call-start"],
  ["content", "TOOL_START", "tool-name", "call-start"],
  ["tool-name", "KEY", "tool-arguments", "call-arguments"],
  ["tool-name", "TOOL_END", "content", "call-end"],
  ["tool-arguments", "TOOL_END", "content", "call-end"],
  ["tool-arguments", "KEY", "tool-arguments", "call-arguments"],
  ["tool-arguments", "KEY_END", "tool-arguments", "call-arguments"],
  ["tool-arguments", "VALUE", "tool-arguments", "call-arguments"],
  ["tool-arguments", "VALUE_END", "tool-arguments", "call-arguments"],
] as const;

const REST = {
  jsonArguments: false,
  toArguments: pairsToJson,
  openValue: openPair,
  turnBoundaries: ["<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"],
  checksNames: true,
} as const;

const THINKING: OutputFormat = {
  marks: { THINK_START: "<think>", THINK_END: "</think>", ...CALLS },
  tokenMarks: ["THINK_START", "THINK_END", "TOOL_START", "TOOL_END"],
  transitions: transitionTable([
    ["content", "THINK_START", "reasoning", "reasoning-start"],
    ["reasoning", "THINK_END", "content", "reasoning-end"],
    ["content", "THINK_END", "content"],
    ...CALL_LINES,
  ]),
  initialState: "reasoning",
  ...REST,
};

const NOT_THINKING: OutputFormat = {
  marks: CALLS,
  tokenMarks: ["TOOL_START", "TOOL_END"],
  transitions: transitionTable(CALL_LINES),
  initialState: "content",
  ...REST,
};

/** True unless both switches are off, or the one that is given. */
export function thinksBySwitches(context: OutputParserContext): boolean {
  const given = ["thinking", "enable_thinking"]
    .map((name) => context.templateKwargs.get(name) ?? null)
    .filter((value) => value !== null);
  return given.length === 0 || given.some((value) => truthy(value));
}

class GlmParser extends EngineParser {
  private readonly thinking: boolean;

  constructor(context: OutputParserContext, pass: EnginePass) {
    const thinking = thinksBySwitches(context);
    super(thinking ? THINKING : NOT_THINKING, context, pass);
    this.thinking = thinking;
  }

  override extractReasoning(text: string): ExtractedReasoning {
    return this.thinking ? super.extractReasoning(text) : { reasoning: null, content: text };
  }

  protected override nameOf(header: string): { readonly name: string } {
    return { name: strip(header, "both") };
  }
}

const make = (context: OutputParserContext, pass: EnginePass): EngineParser => new GlmParser(context, pass);

/** GLM 4.5 and later: `<think>…</think>`, which a call ends too. */
export const glmReasoning = engineReasoning(make);

/** GLM 4.5 and later: `<tool_call>NAME<arg_key>KEY</arg_key><arg_value>VALUE</arg_value>…</tool_call>`. */
export const glmTools = engineTools(make, { structuralTag: "glm_4_7", defaultStrictLevel: "function" });
