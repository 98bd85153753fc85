import { engineTools } from "../engine/engine-family.ts";
import { EngineParser, type EnginePass } from "../engine/engine-parser.ts";
import { type OutputFormat, transitionTable } from "../engine/output-format.ts";
import { jsonMember } from "../json-member.ts";
import type { OutputParserContext } from "../output-parser.ts";

const FORMAT: OutputFormat = {
  marks: { TOOL_TOKEN: "<|tool_call|>", TOOL_TEXT: "<tool_call>" },
  tokenMarks: ["TOOL_TOKEN"],
  transitions: transitionTable([
    ["content", "TOOL_TOKEN", "tool-arguments"],
    ["content", "TOOL_TEXT", "tool-arguments"],
  ]),
  initialState: "content",
  toArguments: (raw, partial) => {
    const span = jsonMember(raw, "arguments");
    if (span === "absent") return partial ? "" : "{}";
    return span === "no-object" ? undefined : span.text;
  },
  jsonArguments: true,
  listBody: true,
};

const make = (context: OutputParserContext, pass: EnginePass): EngineParser =>
  new EngineParser(FORMAT, context, pass);

/** Granite 3: `<|tool_call|>[{"name": …, "arguments": {…}}, …]`. */
export const graniteTools = engineTools(make);
