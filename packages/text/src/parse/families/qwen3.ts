import { truthy } from "../../template/python/compare.ts";
import { dumpJson, PLAIN_JSON } from "../../template/python/json-dump.ts";
import { engineReasoning, engineTools } from "../engine/engine-family.ts";
import { EngineParser, type EnginePass } from "../engine/engine-parser.ts";
import type { OpenValue } from "../engine/open-value.ts";
import { type OutputFormat, transitionTable } from "../engine/output-format.ts";
import type { OutputParserContext } from "../output-parser.ts";
import { TextError } from "../../text-error.ts";
import type { ExtractedReasoning } from "../reasoning-parser.ts";

/** Tokens around turns of ChatML prompts. */
const CHATML_TURNS: readonly string[] = ["<|im_start|>", "<|im_end|>"];

const PARAMETER = /<\s*parameter\s*=\s*([^>]*)>([^]*?)(?:<\s*\/\s*parameter\s*>|(?=<\s*parameter\s*=))/g;
const OPEN_PARAMETER = /<\s*parameter\s*=\s*([^>]+)>([^]*)$/;

/**
 * JSON of `<parameter=NAME>VALUE</parameter>…`, every value a text.
 * @param trim what is done to each value
 */
export function parametersToJson(raw: string, partial: boolean, trim: (value: string) => string): string {
  const values = new Map<string, string>();
  for (const [, name = "", value = ""] of raw.matchAll(PARAMETER)) values.set(name, trim(value));
  if (partial) {
    const open = OPEN_PARAMETER.exec(raw.replace(PARAMETER, ""));
    if (open !== null) values.set(open[1] ?? "", trim(open[2] ?? ""));
  }
  return dumpJson(values, PLAIN_JSON);
}

/** The parameter at the end that has no closing mark. */
export function openParameter(raw: string, trimsBreak: boolean): OpenValue | undefined {
  const value = OPEN_PARAMETER.exec(raw.replace(PARAMETER, ""))?.[2];
  if (value === undefined) return undefined;
  if (!trimsBreak) return { text: value, tail: "" };
  const text = withoutOuterBreaks(value);
  return { text, tail: value.endsWith("\n") && text !== "" ? "\n" : "" };
}

/** Without the line break the template puts at either end. */
function withoutOuterBreaks(value: string): string {
  const start = value.startsWith("\n") ? 1 : 0;
  const end = value.endsWith("\n") && value.length > start ? value.length - 1 : value.length;
  return value.slice(start, end);
}

/** The four marks in which relatives of Qwen 3 differ. */
export interface Qwen3Marks {
  readonly thinkStart: string;
  readonly thinkEnd: string;
  readonly toolStart: string;
  readonly toolEnd: string;
}

const QWEN3_MARKS: Qwen3Marks = {
  thinkStart: "<think>",
  thinkEnd: "</think>",
  toolStart: "<tool_call>",
  toolEnd: "</tool_call>",
};

const TRANSITIONS = transitionTable([
  ["reasoning", "THINK_START", "reasoning"],
  ["reasoning", "THINK_END", "content", "reasoning-end"],
  // A second closing mark says nothing.
  ["content", "THINK_END", "content"],
  // A call ends the reasoning by itself.
  ["reasoning", "TOOL_START", "tool-preamble", "reasoning-end", "call-start"],
  ["content", "TOOL_START", "tool-preamble", "reasoning-end", "call-start"],
  // The function may come without the mark around it.
  ["content", "FUNCTION", "tool-name", "call-start"],
  ["tool-preamble", "TOOL_END", "content", "call-end"],
  ["tool-preamble", "FUNCTION", "tool-name"],
  ["tool-name", "ANGLE", "tool-arguments"],
  ["tool-name", "FUNCTION_END", "tool-between", "call-end"],
  ["tool-arguments", "FUNCTION_END", "tool-between", "call-end"],
  ["tool-arguments", "PARAMETER", "tool-arguments", "call-arguments"],
  ["tool-arguments", "PARAMETER_END", "tool-arguments", "call-arguments"],
  ["tool-between", "TOOL_END", "content"],
  ["tool-between", "TOOL_START", "tool-preamble", "call-start"],
  ["tool-between", "FUNCTION", "tool-name", "call-start"],
]);

/** The format of Qwen 3 Coder and its relatives, with reasoning on or off from the start. */
export function qwen3Format(
  thinking: boolean,
  overrides: Partial<OutputFormat> = {},
  marks: Qwen3Marks = QWEN3_MARKS,
): OutputFormat {
  return {
    marks: {
      THINK_START: marks.thinkStart,
      THINK_END: marks.thinkEnd,
      TOOL_START: marks.toolStart,
      TOOL_END: marks.toolEnd,
      FUNCTION: "<function=",
      FUNCTION_END: "</function>",
      PARAMETER: "<parameter=",
      PARAMETER_END: "</parameter>",
      ANGLE: ">",
    },
    tokenMarks: ["THINK_START", "THINK_END", "TOOL_START", "TOOL_END"],
    transitions: TRANSITIONS,
    initialState: thinking ? "reasoning" : "content",
    waitsForReasoning: thinking,
    toArguments: (raw, partial) => parametersToJson(raw, partial, withoutOuterBreaks),
    openValue: (raw) => openParameter(raw, true),
    trimsBreakBehindValue: true,
    jsonArguments: false,
    turnBoundaries: CHATML_TURNS,
    trimsReasoning: false,
    ...overrides,
  };
}

/** A format for models that think, and the same for a prompt that has them not think. */
export interface ThinkingFormats {
  readonly on: OutputFormat;
  readonly off: OutputFormat;
}

/** True unless the template variable says otherwise. */
function enablesThinking(context: OutputParserContext): boolean {
  const value = context.templateKwargs.get("enable_thinking");
  if (Array.isArray(value) || value instanceof Map) {
    // vLLM keeps the formats in a table by this value.
    throw new TextError("message_invalid", `unhashable type: '${Array.isArray(value) ? "list" : "dict"}'`);
  }
  return value === undefined || truthy(value);
}

/** Parser of Qwen 3 and relatives: where thinking is off, nothing is reasoning. */
export class Qwen3Parser extends EngineParser {
  protected readonly thinking: boolean;

  constructor(formats: ThinkingFormats, context: OutputParserContext, pass: EnginePass) {
    const thinking = enablesThinking(context);
    super(thinking ? formats.on : formats.off, context, pass);
    this.thinking = thinking;
  }

  override extractReasoning(text: string): ExtractedReasoning {
    return this.thinking ? super.extractReasoning(text) : { reasoning: null, content: text };
  }
}

const FORMATS: ThinkingFormats = { on: qwen3Format(true), off: qwen3Format(false) };

const make = (context: OutputParserContext, pass: EnginePass): EngineParser =>
  new Qwen3Parser(FORMATS, context, pass);

/** Qwen 3: `<think>…</think>`, which a call ends too. */
export const qwen3Reasoning = engineReasoning(make);

/** Qwen 3 Coder: `<tool_call><function=NAME><parameter=KEY>VALUE</parameter>…</function></tool_call>`. */
export const qwen3Tools = engineTools(make, { structuralTag: "qwen_3_coder" });
