import { decodeJsonAt } from "../../template/python/parse-json.ts";
import { strip } from "../../template/python/whitespace.ts";
import { engineReasoning, engineTools } from "../engine/engine-family.ts";
import type { CallSlot } from "../engine/call-slot.ts";
import { EngineParser, type EnginePass } from "../engine/engine-parser.ts";
import { transitionTable, type OutputFormat } from "../engine/output-format.ts";
import type { OutputParserContext } from "../output-parser.ts";
import type { ExtractedReasoning } from "../reasoning-parser.ts";
import { requiredToken } from "../reasoning/think-tokens.ts";
import type { ToolParserFamily } from "../tool-parser.ts";
import { MISTRAL_ID_LENGTH, MISTRAL_MARK, MistralListTools } from "./mistral-list.ts";

const ARGUMENTS_MARK = "[ARGS]";
const THINK = { THINK_START: "[THINK]", THINK_END: "[/THINK]" };
const CALLS = { TOOL_CALLS: MISTRAL_MARK, ARGS: ARGUMENTS_MARK };
const BRACE = { OPEN_BRACE: "{" };

const CALL_LINES = [
  ["tool-name", "ARGS", "tool-arguments"],
  // The arguments may follow the name without a mark.
  ["tool-name", "OPEN_BRACE", "tool-arguments", "call-arguments"],
  ["tool-arguments", "TOOL_CALLS", "tool-name", "call-end", "call-start"],
] as const;

const THINKING: OutputFormat = {
  marks: { ...THINK, ...CALLS, ...BRACE },
  tokenMarks: Object.keys({ ...THINK, ...CALLS }),
  transitions: transitionTable([
    ["content", "THINK_START", "reasoning"],
    ["reasoning", "THINK_START", "reasoning"],
    ["reasoning", "THINK_END", "content", "reasoning-end"],
    ["content", "THINK_END", "content"],
    ["reasoning", "TOOL_CALLS", "tool-name", "reasoning-end", "call-start"],
    ["content", "TOOL_CALLS", "tool-name", "reasoning-end", "call-start"],
    ...CALL_LINES,
  ]),
  initialState: "content",
  waitsForReasoning: true,
  jsonArguments: true,
};

const NOT_THINKING: OutputFormat = {
  marks: { ...CALLS, ...BRACE },
  tokenMarks: Object.keys(CALLS),
  transitions: transitionTable([["content", "TOOL_CALLS", "tool-name", "call-start"], ...CALL_LINES]),
  initialState: "content",
  waitsForReasoning: false,
  jsonArguments: true,
};

class MistralParser extends EngineParser {
  private readonly thinking: boolean;

  constructor(context: OutputParserContext, pass: EnginePass) {
    requiredToken(context.tokenizer, MISTRAL_MARK, "mistral");
    const thinking = context.tokenizer.tokenId(THINK.THINK_START) !== undefined;
    super(thinking ? THINKING : NOT_THINKING, context, pass);
    this.thinking = thinking;
  }

  override extractReasoning(text: string): ExtractedReasoning {
    return this.thinking ? super.extractReasoning(text) : { reasoning: null, content: text };
  }

  protected override get namesMayBeEmpty(): boolean {
    return true;
  }

  protected override embeddedName(): string {
    return "";
  }

  protected override firstArguments(piece: string): string {
    return piece;
  }

  protected override giveId(slot: CallSlot): void {
    if (slot.id === "") slot.id = this.context.random.alphanumeric(MISTRAL_ID_LENGTH);
  }

  protected override nameAndArguments(raw: string): { readonly name: string; readonly json: string } {
    return { name: "", json: this.plainArguments(raw) };
  }

  /** Nothing ends a call: text behind its arguments is dropped. */
  protected override plainArguments(raw: string): string {
    const body = strip(raw, "both");
    if (body === "") return "{}";
    const decoded = decodeJsonAt(body, 0);
    return decoded === undefined ? body : body.slice(0, decoded.end);
  }
}

const make = (context: OutputParserContext, pass: EnginePass): EngineParser =>
  new MistralParser(context, pass);

/** Magistral: `[THINK]…[/THINK]`, where the tokenizer has the two. */
export const mistralReasoning = engineReasoning(make);

const engineForm = engineTools(make, { forcedAsJson: false });

/** Mistral: `[TOOL_CALLS]NAME[ARGS]{…}`, or a list of calls in JSON where the tokenizer is from before version 11. */
export const mistralTools: ToolParserFamily = {
  ...engineForm,
  forcedList: true,
  create: (context, withReasoning) =>
    context.tokenizer.tokenId(ARGUMENTS_MARK) === undefined
      ? new MistralListTools(context)
      : engineForm.create(context, withReasoning),
};
