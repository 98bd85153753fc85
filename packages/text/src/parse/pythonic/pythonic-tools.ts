import type { Value } from "../../template/python/value.ts";
import { dumpJson, PLAIN_JSON } from "../../template/python/json-dump.ts";
import { callsDelta, contentDraft, type DeltaDraft, type ToolCallDraft } from "../delta-draft.ts";
import type { OutputParserContext, ParsedToolCall } from "../output-parser.ts";
import { randomCallId } from "../tool-call-id.ts";
import type { ExtractedToolCalls, ToolParser } from "../tool-parser.ts";
import { looksLikeCalls } from "./call-pattern.ts";
import { completePythonCalls } from "./complete-python.ts";
import { readPythonCalls, type PythonCall } from "./python-reader.ts";

/** Marks that a family may put around its list of calls. */
export interface PythonicMarks {
  readonly start: string;
  readonly end: string;
}

/**
 * Calls as a list of Python calls, `[f(a=1), g(b="x")]`, at the beginning of the text. A text that begins with a bracket and
 * is no list of calls is content when collected and nothing at all when streamed.
 */
export class PythonicTools implements ToolParser {
  private readonly context: OutputParserContext;
  private readonly marks: PythonicMarks | undefined;
  private text = "";
  private isContent = false;
  /** Index of the call being told. */
  private current = -1;
  private readonly streamed: string[] = [];
  private hasTold = false;

  constructor(context: OutputParserContext, marks: PythonicMarks | undefined) {
    this.context = context;
    this.marks = marks;
  }

  extract(text: string): ExtractedToolCalls {
    const { marks } = this;
    const isMarked = marks !== undefined && text.startsWith(marks.start);
    const list = isMarked ? text.slice(marks.start.length).replaceAll(marks.end, "") : text;
    const read = looksLikeCalls(list) ? readPythonCalls(list) : undefined;
    if (read === undefined) return { toolsCalled: false, toolCalls: [], content: list };
    const toolCalls: ParsedToolCall[] = read.calls.map((call) => ({
      id: randomCallId(this.context),
      name: call.name,
      arguments: argumentsOf(call),
    }));
    return { toolsCalled: true, toolCalls, content: null };
  }

  push(text: string): DeltaDraft | undefined {
    if (this.isContent) return contentDraft(text);
    this.text += text;
    const list = this.listText();
    if (list === undefined) return contentDraft(text);
    const completed = completePythonCalls(list);
    if (completed === undefined) return undefined;
    const pieces = this.tell(completed.calls, completed.added);
    if (pieces === undefined) return undefined;
    this.hasTold ||= pieces.length > 0;
    if (pieces.length > 0) return callsDelta(...pieces);
    return completed.added === "" && this.current > 0 ? contentDraft("") : undefined;
  }

  unstreamedArguments(): string {
    // What vLLM keeps for this is a call with empty arguments as soon as anything was told.
    return this.hasTold && "{}".startsWith(this.streamed[0] ?? "")
      ? "{}".slice((this.streamed[0] ?? "").length)
      : "";
  }

  finish(): undefined {
    return undefined;
  }

  /** The text from the list's bracket on, undefined where the text does not begin with one. */
  private listText(): string | undefined {
    const { marks, text } = this;
    if (marks === undefined) {
      if (text.startsWith("[")) return text;
      this.isContent = text !== "";
      return undefined;
    }
    const isMarked = text.startsWith(marks.start);
    if (!isMarked && !text.startsWith("[")) {
      this.isContent = text.length >= marks.start.length;
      return undefined;
    }
    const list = isMarked ? text.slice(marks.start.length) : text;
    return list.endsWith(marks.end) ? list.slice(0, -marks.end.length) : list;
  }

  /** What is new in the calls; undefined where they do not end in what was added to close them. */
  private tell(calls: readonly PythonCall[], added: string): ToolCallDraft[] | undefined {
    const pieces: ToolCallDraft[] = [];
    for (let index = Math.max(this.current, 0); index < calls.length; index++) {
      const call = calls[index];
      if (call === undefined) break;
      this.current = index;
      if (this.streamed.length === index) this.streamed.push("");
      const isComplete = index < calls.length - 1 || !added.includes(")]");
      if (isComplete) this.current++;
      const withheld = isComplete ? "" : `${added.slice(0, -2)}}`.replaceAll("'", '"');
      const whole = argumentsOf(call);
      if (!whole.endsWith(withheld)) return undefined;
      const piece = this.piece(index, call.name, whole.slice(0, whole.length - withheld.length));
      if (piece === undefined) continue;
      pieces.push(piece);
      this.streamed[index] = (this.streamed[index] ?? "") + (piece.arguments ?? "");
    }
    return pieces;
  }

  private piece(index: number, name: string, text: string): ToolCallDraft | undefined {
    const told = this.streamed[index] ?? "";
    if (told === "") return { index, id: randomCallId(this.context), name, arguments: text };
    const more = text.slice(told.length);
    return more === "" ? undefined : { index, id: null, name: undefined, arguments: more };
  }
}

function argumentsOf(call: PythonCall): string {
  return dumpJson(call.arguments as Value, PLAIN_JSON);
}
