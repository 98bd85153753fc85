import { dumpJson, PLAIN_JSON } from "../../template/python/json-dump.ts";
import { strip } from "../../template/python/whitespace.ts";
import { engineReasoning, engineTools } from "../engine/engine-family.ts";
import { EngineParser, type EnginePass } from "../engine/engine-parser.ts";
import type { OpenValue } from "../engine/open-value.ts";
import {
  type FormatEventKind,
  type FormatState,
  type OutputFormat,
  transitionTable,
} from "../engine/output-format.ts";
import type { OutputParserContext } from "../output-parser.ts";

const OPEN = `<\\s*parameter\\s+name\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^>\\s]+))\\s*>`;
const PARAMETER = new RegExp(
  `${OPEN}([^]*?)(?:<\\s*/\\s*parameter\\s*>|(?=<\\s*parameter\\s+name\\s*=))`,
  "g",
);
const OPEN_PARAMETER = new RegExp(`${OPEN}([^]*)$`);

function parametersToJson(raw: string, partial: boolean): string {
  const values = new Map<string, string>();
  const take = (match: RegExpExecArray | RegExpMatchArray): void => {
    const name = strip(match[1] || match[2] || match[3] || "", "both");
    if (name !== "") values.set(name, match[4] ?? "");
  };
  for (const match of raw.matchAll(PARAMETER)) take(match);
  const open = partial ? OPEN_PARAMETER.exec(raw.replace(PARAMETER, "")) : null;
  if (open !== null) take(open);
  return dumpJson(values, PLAIN_JSON);
}

/** The parameter at the end that has no closing mark. */
function openParameter(raw: string): OpenValue | undefined {
  const open = OPEN_PARAMETER.exec(raw.replace(PARAMETER, ""));
  return open === null ? undefined : { text: open[4] ?? "", tail: "" };
}

type Line = readonly [FormatState, string, FormatState, ...FormatEventKind[]];

const INVOKES = ["INVOKE_DOUBLE", "INVOKE_SINGLE", "INVOKE_BARE"];
const NAME_ENDS = ["NAME_END_DOUBLE", "NAME_END_SINGLE", "NAME_END_BARE"];

const FORMAT: OutputFormat = {
  marks: {
    THINK_START: "<think>",
    THINK_END: "</think>",
    TOOL_START: "<minimax:tool_call>",
    TOOL_END: "</minimax:tool_call>",
    PARAMETER: "<parameter name=",
    PARAMETER_END: "</parameter>",
    INVOKE_DOUBLE: '<invoke name="',
    INVOKE_SINGLE: "<invoke name='",
    INVOKE_BARE: "<invoke name=",
    INVOKE_END: "</invoke>",
    NAME_END_DOUBLE: '">',
    NAME_END_SINGLE: "'>",
    NAME_END_BARE: ">",
  },
  tokenMarks: ["THINK_START", "THINK_END", "TOOL_START", "TOOL_END"],
  transitions: transitionTable([
    ["reasoning", "THINK_START", "reasoning"],
    ["reasoning", "THINK_END", "content", "reasoning-end"],
    ["content", "THINK_END", "content"],
    ["reasoning", "TOOL_START", "tool-preamble", "reasoning-end"],
    ["content", "TOOL_START", "tool-preamble"],
    ["tool-arguments", "PARAMETER", "tool-arguments", "call-arguments"],
    ["tool-arguments", "PARAMETER_END", "tool-arguments", "call-arguments"],
    ["tool-preamble", "TOOL_END", "content"],
    ["tool-between", "TOOL_END", "content"],
    ["content", "TOOL_END", "content"],
    ["tool-arguments", "INVOKE_END", "tool-between", "call-end"],
    ...INVOKES.flatMap((mark): readonly Line[] => [
      ["content", mark, "tool-name", "call-start"],
      ["tool-preamble", mark, "tool-name", "call-start"],
      ["tool-between", mark, "tool-name", "call-start"],
    ]),
    ...NAME_ENDS.map((mark): Line => ["tool-name", mark, "tool-arguments"]),
  ]),
  initialState: "reasoning",
  toArguments: parametersToJson,
  openValue: openParameter,
  jsonArguments: false,
  checksNames: true,
};

class MinimaxM2Parser extends EngineParser {
  override contentTokenIds(tokenIds: readonly number[]): readonly number[] {
    const { thinkEndId } = this.format;
    const end = thinkEndId === undefined ? -1 : tokenIds.lastIndexOf(thinkEndId);
    return end === -1 ? [] : tokenIds.slice(end + 1);
  }
}

const make = (context: OutputParserContext, pass: EnginePass): EngineParser =>
  new MinimaxM2Parser(FORMAT, context, pass);

/** MiniMax M2: everything up to `</think>` or a call is reasoning. */
export const minimaxM2Reasoning = engineReasoning(make);

/** MiniMax M2: `<minimax:tool_call><invoke name="NAME"><parameter name="KEY">VALUE</parameter>…`. */
export const minimaxM2Tools = engineTools(make, { structuralTag: "minimax" });
