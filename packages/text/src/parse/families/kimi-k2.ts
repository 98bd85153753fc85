import { strip } from "../../template/python/whitespace.ts";
import { engineReasoning, engineTools } from "../engine/engine-family.ts";
import { EngineParser, type EnginePass } from "../engine/engine-parser.ts";
import { type OutputFormat, transitionTable } from "../engine/output-format.ts";
import type { OutputParserContext } from "../output-parser.ts";
import type { ExtractedReasoning } from "../reasoning-parser.ts";
import { thinksBySwitches } from "./glm.ts";

const THINK = { THINK_START: "<think>", THINK_END: "</think>" };

const CALLS = {
  SECTION: "<|tool_calls_section_begin|>",
  SECTION_END: "<|tool_calls_section_end|>",
  TOOL_START: "<|tool_call_begin|>",
  TOOL_END: "<|tool_call_end|>",
  ARGUMENTS: "<|tool_call_argument_begin|>",
};

const CALL_LINES = [
  ["reasoning", "SECTION", "tool-preamble", "reasoning-end"],
  ["content", "SECTION", "tool-preamble"],
  ["tool-preamble", "TOOL_START", "tool-name", "call-start"],
  ["tool-name", "ARGUMENTS", "tool-arguments"],
  ["tool-arguments", "TOOL_END", "tool-between", "call-end"],
  ["tool-arguments", "SECTION_END", "tool-preamble", "call-end"],
  ["tool-between", "TOOL_START", "tool-name", "call-start"],
  // Behind the section the parser stays among calls: what the model says there is dropped.
  ["tool-preamble", "SECTION_END", "tool-preamble"],
  ["tool-between", "SECTION_END", "tool-preamble"],
] as const;

const THINKING: OutputFormat = {
  marks: { ...THINK, ...CALLS },
  tokenMarks: Object.keys({ ...THINK, ...CALLS }),
  transitions: transitionTable([
    ["reasoning", "THINK_START", "reasoning"],
    ["reasoning", "THINK_END", "content", "reasoning-end"],
    ["content", "THINK_END", "content"],
    ...CALL_LINES,
  ]),
  initialState: "reasoning",
  jsonArguments: true,
  trimsContentWithCalls: false,
};

const NOT_THINKING: OutputFormat = {
  marks: CALLS,
  tokenMarks: Object.keys(CALLS),
  transitions: transitionTable(CALL_LINES),
  initialState: "content",
  jsonArguments: true,
  trimsContentWithCalls: false,
};

const HEADER = /^.+:\d+/;

class KimiK2Parser extends EngineParser {
  private readonly thinking: boolean;

  constructor(context: OutputParserContext, pass: EnginePass) {
    const thinking = thinksBySwitches(context);
    super(thinking ? THINKING : NOT_THINKING, context, pass);
    this.thinking = thinking;
  }

  override get reasoningTokens(): number {
    return this.thinking ? super.reasoningTokens : 0;
  }

  override extractReasoning(text: string): ExtractedReasoning {
    return this.thinking ? super.extractReasoning(text) : { reasoning: null, content: text };
  }

  override contentTokenIds(tokenIds: readonly number[]): readonly number[] {
    if (!this.thinking) return tokenIds;
    const { thinkEndId } = this.format;
    const end = thinkEndId === undefined ? -1 : tokenIds.lastIndexOf(thinkEndId);
    if (end >= 0) return tokenIds.slice(end + 1);
    const section = this.context.tokenizer.tokenId(CALLS.SECTION);
    const at = section === undefined ? -1 : tokenIds.lastIndexOf(section);
    return at >= 0 ? tokenIds.slice(at) : [];
  }

  /** `functions.NAME:NUMBER` is the call's id too. */
  protected override nameOf(header: string): { readonly name: string; readonly id: string } | undefined {
    const id = HEADER.exec(strip(header, "both"))?.[0];
    if (id === undefined) return undefined;
    const name = (id.split(":")[0] ?? "").replace(/^functions\./, "");
    return name === "" ? undefined : { name, id: strip(id, "both") };
  }

  protected override firstArguments(piece: string): string {
    return piece;
  }

  protected override plainArguments(raw: string): string {
    const body = strip(raw, "both");
    return body === "" ? "{}" : body;
  }
}

const make = (context: OutputParserContext, pass: EnginePass): EngineParser =>
  new KimiK2Parser(context, pass);

/** Kimi K2: `<think>…</think>`, which a section of calls ends too. */
export const kimiK2Reasoning = engineReasoning(make);

/** Kimi K2: a section of `<|tool_call_begin|>functions.NAME:0<|tool_call_argument_begin|>{…}<|tool_call_end|>`. */
export const kimiK2Tools = engineTools(make, { structuralTag: "kimi", specialTokens: "with-tools" });
