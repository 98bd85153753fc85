import { parseJson } from "../../template/python/parse-json.ts";
import { strip } from "../../template/python/whitespace.ts";
import { callsDelta, contentDraft, type DeltaDraft } from "../delta-draft.ts";
import { readCallList } from "../json/call-list.ts";
import { CallListStream } from "../json/call-list-stream.ts";
import { argumentsText, isJsonList, isJsonMap } from "../json/json-value.ts";
import { lastArguments } from "../json/last-arguments.ts";
import type { OutputParserContext } from "../output-parser.ts";
import type { ExtractedToolCalls, ToolParser, ToolParserFamily } from "../tool-parser.ts";

/** Where calls may stand in a text. */
const BLOCKS = [
  /```(?:json)?\s*([^]*?)```/g,
  /\[TOOL_CALLS\]([^]*?)(?=\n|$)/g,
  /<tool_call>([^]*?)<\/tool_call>/g,
] as const;
const OPEN_FENCE = /```(?:json)?\s*([^]*?)(?:```|$)/;
const THOUGHT_END = "</think>";
/** Without one of these in it no text has calls. */
const SIGN = /\[|```|<tool_call>|<\/think>/;
const LONGEST_SIGN = 11;
/** What ends a name, arguments, a list, a mark or a line. */
const ENDINGS = /["}\]`>\n]/;

/**
 * xLAM: a JSON list of calls as the whole text, behind `</think>`, in a fence, behind `[TOOL_CALLS]` or in `<tool_call>`. The
 * content around it is given when collected, and not when streamed from where the calls are seen.
 */
export const xlamTools: ToolParserFamily = {
  engineBased: false,
  structuralTag: undefined,
  forcedAsJson: true,
  specialTokens: "as-requested",
  defaultStrictLevel: undefined,
  create: (context) => new XlamTools(context),
};

class XlamTools implements ToolParser {
  private readonly context: OutputParserContext;
  private readonly calls = new CallListStream();
  private text = "";
  private hasSign = false;
  private unstreamed = "";
  /** Calls have begun, nothing was left to tell, and nothing is unless one of the signs that end something comes. */
  private isIdle = false;

  constructor(context: OutputParserContext) {
    this.context = context;
  }

  extract(text: string): ExtractedToolCalls {
    const { content, list } = findCalls(text);
    if (list === undefined) return { toolsCalled: false, toolCalls: [], content };
    const value = parseJson(list);
    if (value === undefined) return { toolsCalled: false, toolCalls: [], content: text };
    if (!isJsonList(value)) {
      return {
        toolsCalled: false,
        toolCalls: [],
        content: content === null || content === "" ? text : content,
      };
    }
    const toolCalls = readCallList(value, (index) => this.makeId(index));
    if (toolCalls === undefined) return { toolsCalled: false, toolCalls: [], content: text };
    return { toolsCalled: toolCalls.length > 0, toolCalls, content };
  }

  push(text: string): DeltaDraft | undefined {
    this.hasSign ||= SIGN.test(this.text.slice(1 - LONGEST_SIGN) + text);
    this.text += text;
    if (!this.hasSign) return contentDraft(text);
    if (this.isIdle && !ENDINGS.test(text)) return undefined;
    const { list } = findCalls(this.text);
    const isBlock = BLOCK_SIGNS.some((sign) => this.text.includes(sign));
    const isBegun = beginsCalls(this.text, isBlock);
    if (list === undefined && !isBegun) return contentDraft(text);
    const value = parseJson(list ?? this.text);
    if (isJsonList(value)) this.unstreamed = lastArguments(value);
    const source = list ?? (isBlock ? openFence(this.text) : undefined) ?? this.text;
    const piece = this.calls.next({
      text: source,
      argumentsOf: (match, index, count) =>
        (count > 1 ? parsedArguments(source, index) : undefined) ?? match[1] ?? "",
      makeId: (index) => this.makeId(index),
    });
    this.isIdle = isBegun && piece === undefined && value === undefined;
    return piece && callsDelta(piece);
  }

  unstreamedArguments(): string {
    // vLLM keeps no account of what was told here, so that all of the last call's arguments come once more.
    return this.unstreamed;
  }

  finish(): undefined {
    return undefined;
  }

  private makeId(index: number): string {
    return `call_${index}_${this.context.random.hexadecimal()}`;
  }
}

const BLOCK_SIGNS = ["```json", "```\n[", "[TOOL_CALLS]", "<tool_call>"];

/** Content and list of calls of a text; the list may still be cut short where the whole text is one. */
function findCalls(text: string): { readonly content: string | null; readonly list: string | undefined } {
  const thoughtEnd = text.indexOf(THOUGHT_END);
  if (thoughtEnd !== -1) {
    const end = thoughtEnd + THOUGHT_END.length;
    const content = strip(text.slice(0, end), "both");
    const answer = strip(text.slice(end), "both");
    const list = parseJson(answer) === undefined ? blockIn(answer)?.list : answer;
    if (list !== undefined) return { content, list };
  }
  const block = blockIn(text);
  if (block !== undefined)
    return { content: strip(text.replace(block.pattern, ""), "both"), list: block.list };
  if (!strip(text, "both").startsWith("[")) return { content: text, list: undefined };
  const isCalls =
    parseJson(text) !== undefined || ["{", "name", "arguments"].every((part) => text.includes(part));
  return isCalls ? { content: null, list: text } : { content: text, list: undefined };
}

/** The first block of a text that is JSON. */
function blockIn(text: string): { readonly list: string; readonly pattern: RegExp } | undefined {
  for (const pattern of BLOCKS) {
    for (const [, list = ""] of text.matchAll(pattern)) {
      if (parseJson(list) !== undefined) return { list, pattern };
    }
  }
  return undefined;
}

/** Whether a text shows early that calls are coming. */
function beginsCalls(text: string, isBlock: boolean): boolean {
  const stripped = strip(text, "left");
  if (stripped.startsWith("[") || stripped.startsWith("<tool_call>") || text.includes(`${THOUGHT_END}[`))
    return true;
  return isBlock && text.includes('"name"') && text.includes('"arguments"');
}

/** The list in a fence that may still be open. */
function openFence(text: string): string | undefined {
  const found = OPEN_FENCE.exec(text)?.[1];
  const list = found === undefined ? "" : strip(found, "both");
  const isCalls = list.startsWith("[") && list.includes('"name"') && list.includes('"arguments"');
  return isCalls ? list : undefined;
}

/** Arguments of a call by its place, once the list is whole. */
function parsedArguments(list: string, index: number): string | undefined {
  const value = parseJson(list);
  const call = isJsonList(value) ? value[index] : undefined;
  if (!isJsonMap(call)) return undefined;
  const given = call.get("arguments");
  if (given === undefined) return "{}";
  return typeof given === "string" ? given : argumentsText(given);
}
