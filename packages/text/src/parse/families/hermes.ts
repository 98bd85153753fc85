import { dumpJson, PLAIN_JSON } from "../../template/python/json-dump.ts";
import { parseJson } from "../../template/python/parse-json.ts";
import { strip } from "../../template/python/whitespace.ts";
import { callArguments, callStart, type DeltaDraft, type ToolCallDraft } from "../delta-draft.ts";
import type { OutputParserContext, ParsedToolCall } from "../output-parser.ts";
import { tagOverlap } from "../tag-overlap.ts";
import { randomCallId } from "../tool-call-id.ts";
import type { ExtractedToolCalls, ToolParser, ToolParserFamily } from "../tool-parser.ts";
import { HermesArguments } from "./hermes-arguments.ts";

const OPEN = "<tool_call>";
const CLOSE = "</tool_call>";
const CALL = /<tool_call>([^]*?)<\/tool_call>|<tool_call>([^]*)/g;
const NAME = /"name"\s*:\s*"([^"]+)"/;
const ARGUMENTS = /"arguments"\s*:\s*/;

/** Hermes 2 and 3, Qwen 2.5, Qwen 3: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, repeated. */
export const hermesTools: ToolParserFamily = {
  engineBased: false,
  structuralTag: "hermes",
  forcedAsJson: false,
  specialTokens: "with-tools",
  defaultStrictLevel: undefined,
  create: (context) => new HermesTools(context),
};

/** What has been streamed of one call. */
interface StreamedCall {
  named: boolean;
  /** Length of the arguments told. */
  told: number;
}

class HermesTools implements ToolParser {
  private readonly context: OutputParserContext;
  /** Text from the start of the call that is being read; before the first call, all of it. */
  private open = "";
  /** Arguments of the call that is being read, from when they have begun; `open` is empty then. */
  private arguments: HermesArguments | undefined;
  private sentContent = 0;
  private inCalls = false;
  private readonly calls: StreamedCall[] = [];
  /** Calls before the one at the start of `open`. */
  private closed = 0;

  constructor(context: OutputParserContext) {
    this.context = context;
  }

  push(text: string): DeltaDraft | undefined {
    const deltas: ToolCallDraft[] = [];
    this.open += this.arguments === undefined ? text : this.newArguments(this.arguments, text, deltas);
    const content = this.inCalls ? undefined : this.newContent();
    if (this.inCalls && this.arguments === undefined) this.newCalls(deltas);
    if (content === undefined && deltas.length === 0) return undefined;
    return { content: content ?? null, reasoning: undefined, toolCalls: deltas };
  }

  extract(text: string): ExtractedToolCalls {
    const none = { toolsCalled: false, toolCalls: [], content: text };
    const start = text.indexOf(OPEN);
    if (start === -1) return none;
    const toolCalls: ParsedToolCall[] = [];
    for (const match of text.matchAll(CALL)) {
      const value = parseJson(match[1] === undefined || match[1] === "" ? (match[2] ?? "") : match[1]);
      const name = value instanceof Map ? (value.get("name") as unknown) : undefined;
      const given = value instanceof Map && value.has("arguments");
      if (typeof name !== "string" || !given) return none;
      toolCalls.push({
        id: randomCallId(this.context),
        name,
        arguments: dumpJson(value.get("arguments") ?? null, PLAIN_JSON),
      });
    }
    return { toolsCalled: true, toolCalls, content: start === 0 ? null : text.slice(0, start) };
  }

  unstreamedArguments(): string {
    // What is parsed is streamed at once: there is never a difference.
    return this.calls.length > 0 && this.calls.at(-1)?.told === 0 ? "{}" : "";
  }

  finish(): undefined {
    return undefined;
  }

  /** Text before the first call that can be no part of a tag. */
  private newContent(): string | undefined {
    const start = this.open.indexOf(OPEN);
    const end = start === -1 ? this.open.length - tagOverlap(this.open, OPEN) : start;
    const content = this.open.slice(this.sentContent, end);
    this.sentContent = end;
    if (start !== -1) {
      this.inCalls = true;
      this.open = this.open.slice(start);
    }
    return content === "" ? undefined : content;
  }

  /** Tells more of the call whose arguments have begun. @returns text behind it */
  private newArguments(open: HermesArguments, text: string, deltas: ToolCallDraft[]): string {
    const more = open.push(text);
    if (more.text !== "") deltas.push(callArguments(this.closed, more.text));
    if (more.rest === undefined) return "";
    this.arguments = undefined;
    this.closed++;
    return more.rest;
  }

  private newCalls(deltas: ToolCallDraft[]): void {
    for (let index = this.closed; ; index++) {
      const start = this.open.indexOf(OPEN);
      if (start === -1) {
        this.open = this.open.slice(1 - OPEN.length);
        break;
      }
      const from = start + OPEN.length;
      const end = this.open.indexOf(CLOSE, from);
      if (end === -1) {
        this.beginCall(index, this.open.slice(from), deltas);
        break;
      }
      if (!this.tellCall({ index, body: strip(this.open.slice(from, end), "both"), complete: true }, deltas))
        break;
      this.open = this.open.slice(end + CLOSE.length);
      this.closed = index + 1;
    }
  }

  /** Tells what is new of a call without its closing tag. */
  private beginCall(index: number, text: string, deltas: ToolCallDraft[]): void {
    const untagged = text.slice(0, text.length - tagOverlap(text, CLOSE));
    const body = strip(untagged, "both");
    this.tellCall({ index, body, complete: isWhole(body) }, deltas);
    const told = this.calls[index]?.told ?? 0;
    if (told === 0) return;
    const held = text.slice(strip(untagged, "right").length);
    const match = ARGUMENTS.exec(body);
    const from = match === null ? 0 : match.index + match[0].length;
    this.arguments = new HermesArguments({ body, held, from, told });
    this.open = "";
  }

  /** Tells what is new of a call. @returns false where its name is not known: nothing behind it is told either */
  private tellCall(
    call: { readonly index: number; readonly body: string; readonly complete: boolean },
    deltas: ToolCallDraft[],
  ): boolean {
    const { index, body, complete } = call;
    const known = (this.calls[index] ??= { named: false, told: 0 });
    if (!known.named) {
      const name = NAME.exec(body)?.[1];
      if (name === undefined) return false;
      known.named = true;
      deltas.push(callStart(index, randomCallId(this.context), name));
    }
    const all = argumentsOf(body, complete);
    if (all !== undefined && all.length > known.told) {
      deltas.push(callArguments(index, all.slice(known.told)));
      known.told = all.length;
    }
    return true;
  }
}

/** Whether a call without its closing tag is whole. Only an object matters: of anything else nothing would be cut off. */
function isWhole(body: string): boolean {
  return body.endsWith("}") && parseJson(body) !== undefined;
}

/** Text behind `"arguments":`; of a complete call without the brace that closes the call. */
function argumentsOf(body: string, complete: boolean): string | undefined {
  const match = ARGUMENTS.exec(body);
  if (match === null) return undefined;
  const raw = body.slice(match.index + match[0].length);
  if (!complete) return raw;
  const trimmed = strip(raw, "right");
  return trimmed.endsWith("}") ? strip(trimmed.slice(0, -1), "right") : trimmed;
}
