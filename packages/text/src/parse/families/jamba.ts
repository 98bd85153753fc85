import { parseJson } from "../../template/python/parse-json.ts";
import {
  callArguments,
  callsDelta,
  callStart,
  contentDraft,
  type DeltaDraft,
  type ToolCallDraft,
} from "../delta-draft.ts";
import { CallProgress, callObjects } from "../json/call-progress.ts";
import { argumentsText, hasArguments, isJsonList, isJsonMap, type JsonMap } from "../json/json-value.ts";
import { completeJson } from "../json/complete-json.ts";
import { GrowingCalls } from "../json/growing-calls.ts";
import { gainedText } from "../json/text-difference.ts";
import type { OutputParserContext, ParsedToolCall } from "../output-parser.ts";
import { requiredToken } from "../reasoning/think-tokens.ts";
import { randomCallId } from "../tool-call-id.ts";
import type { ExtractedToolCalls, ToolParser, ToolParserFamily } from "../tool-parser.ts";

const START = "<tool_calls>";
const END = "</tool_calls>";

/** Jamba: a JSON list of calls between `<tool_calls>` and `</tool_calls>`, both of them tokens. */
export const jambaTools: ToolParserFamily = {
  engineBased: false,
  structuralTag: undefined,
  forcedAsJson: true,
  specialTokens: "with-tools",
  defaultStrictLevel: undefined,
  create: (context) => new JambaTools(context),
};

class JambaTools implements ToolParser {
  private readonly context: OutputParserContext;
  private readonly startId: number;
  private readonly progress = new CallProgress();
  /** Text from the last opening mark on, or what may be the beginning of one. */
  private readonly growing = new GrowingCalls();

  constructor(context: OutputParserContext) {
    this.context = context;
    this.startId = requiredToken(context.tokenizer, START, "jamba");
    requiredToken(context.tokenizer, END, "jamba");
  }

  extract(text: string): ExtractedToolCalls {
    const start = text.indexOf(START);
    const end = start === -1 ? -1 : text.indexOf(END, start + START.length);
    const toolCalls = end === -1 ? undefined : this.collect(text.slice(start + START.length, end));
    if (toolCalls === undefined) return { toolsCalled: false, toolCalls: [], content: text };
    const content = text.slice(0, start);
    return { toolsCalled: true, toolCalls, content: content === "" || content === " " ? null : content };
  }

  push(text: string, tokenIds: readonly number[]): DeltaDraft | undefined {
    const { growing, progress } = this;
    growing.add(text);
    const start = growing.text.lastIndexOf(START);
    growing.text = growing.text.slice(start === -1 ? 1 - START.length : start);
    if (start === -1) return contentDraft(text);
    if (tokenIds.length === 1 && tokenIds[0] === this.startId) return undefined;
    const delta = this.tell(text);
    growing.shorten((shorter) => this.read(listIn(shorter)), progress);
    return delta;
  }

  unstreamedArguments(): string {
    return this.progress.unstreamedArguments();
  }

  finish(): undefined {
    return undefined;
  }

  private tell(text: string): DeltaDraft | undefined {
    const list = listIn(this.growing.text);
    const calls = this.read(list);
    if (calls === undefined || calls.length === 0) return undefined;
    const { progress } = this;
    if (calls.length > progress.current + 1) return this.next(calls);
    const call = calls.at(progress.current);
    if (call === undefined) return undefined;
    const piece = progress.nameSent ? this.more(call, text, list) : this.begin(call);
    if (piece === "failed") return undefined;
    progress.previous = calls;
    return piece && callsDelta(piece);
  }

  private collect(list: string): ParsedToolCall[] | undefined {
    const values = parseJson(list);
    if (!isJsonList(values)) return undefined;
    const calls: ParsedToolCall[] = [];
    for (const value of values) {
      const name = isJsonMap(value) ? value.get("name") : undefined;
      const given = isJsonMap(value) ? value.get("arguments") : undefined;
      if (typeof name !== "string" || given === undefined) return undefined;
      calls.push({ id: randomCallId(this.context), name, arguments: argumentsText(given) });
    }
    return calls;
  }

  private read(list: string): (JsonMap | undefined)[] | undefined {
    const whole = completeJson(list, this.progress.nameSent);
    const values = whole === undefined ? undefined : parseJson(whole);
    return isJsonList(values) ? callObjects(values) : undefined;
  }

  /** Goes on to the last call read, after what is left of the one before it. */
  private next(calls: readonly (JsonMap | undefined)[]): DeltaDraft | undefined {
    const { growing, progress } = this;
    const before = progress.current < 0 ? undefined : calls[progress.current]?.get("arguments");
    let delta: DeltaDraft | undefined;
    if (hasArguments(before)) {
      if (progress.told === undefined) return undefined;
      const whole = growing.restored(progress.current, argumentsText(before));
      const told = growing.restored(progress.current, progress.told);
      const rest = told === "" ? whole : whole.replaceAll(told, "");
      delta = callsDelta(callArguments(progress.current, rest));
      progress.tell(rest);
    }
    progress.begin(calls.length - 1);
    return delta;
  }

  private begin(call: JsonMap): ToolCallDraft | undefined {
    const name = call.get("name");
    if (typeof name !== "string" || name === "") return undefined;
    this.progress.nameSent = true;
    return callStart(this.progress.current, randomCallId(this.context), name);
  }

  private more(call: JsonMap, newText: string, list: string): ToolCallDraft | undefined | "failed" {
    const { progress } = this;
    const current = call.get("arguments");
    const previous = progress.previous[progress.current]?.get("arguments");
    if (!hasArguments(current)) return undefined;
    const whole = argumentsText(current);
    let gained: string;
    if (hasArguments(previous)) {
      gained = gainedText(whole, argumentsText(previous));
    } else {
      // The first of the arguments is told up to where the new text is found in them, which need not be where it stands.
      const piece = newText.replaceAll("'", '"');
      const at = whole.indexOf(piece);
      if (at === -1 && parseJson(list) === undefined) return "failed";
      gained = at === -1 ? whole : whole.slice(0, at + piece.length);
    }
    if (progress.told === undefined) return "failed";
    progress.tell(gained);
    return callArguments(progress.current, gained);
  }
}

/** The list behind an opening mark, up to a closing one. */
function listIn(text: string): string {
  return text.slice(START.length).split(END, 1)[0] ?? "";
}
