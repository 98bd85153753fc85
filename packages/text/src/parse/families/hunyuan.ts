import { isSpaceUnit, strip } from "../../template/python/whitespace.ts";
import { parseJson } from "../../template/python/parse-json.ts";
import { isBlank } from "../blank.ts";
import { callsDelta, contentDraft, type DeltaDraft } from "../delta-draft.ts";
import { readCallList } from "../json/call-list.ts";
import { CallListStream } from "../json/call-list-stream.ts";
import { isJsonList } from "../json/json-value.ts";
import { lastArguments } from "../json/last-arguments.ts";
import type { OutputParserContext } from "../output-parser.ts";
import type { ExtractedToolCalls, ToolParser, ToolParserFamily } from "../tool-parser.ts";

const START = "<tool_calls>";
/** What ends a name, arguments or the list. */
const ENDINGS = /["}\]]/;
const CALLS = /<tool_calls>([^]*?)<\/tool_calls>/g;
const THOUGHTS = /<think>[^]*?<\/think>/g;
/** What the model's template puts before an answer ("assistant:"); it is not shown. */
const ANSWER_LABEL = "助手：";

/** Hunyuan A13B: a JSON list of calls between `<tool_calls>` and `</tool_calls>`, which are plain text. */
export const hunyuanTools: ToolParserFamily = {
  engineBased: false,
  structuralTag: undefined,
  forcedAsJson: true,
  specialTokens: "as-requested",
  defaultStrictLevel: undefined,
  create: (context) => new HunyuanTools(context),
};

class HunyuanTools implements ToolParser {
  private readonly context: OutputParserContext;
  private readonly calls = new CallListStream();
  private text = "";
  private unstreamed = "";
  /** Nothing was left to tell, and nothing is unless one of the signs that end something comes. */
  private isIdle = false;

  constructor(context: OutputParserContext) {
    this.context = context;
  }

  extract(text: string): ExtractedToolCalls {
    const found = findCalls(text);
    if (found === undefined) {
      return { toolsCalled: false, toolCalls: [], content: text.replace(ANSWER_LABEL, "") };
    }
    const value = parseJson(found.list);
    if (!isJsonList(value)) {
      return { toolsCalled: false, toolCalls: [], content: found.content === "" ? text : found.content };
    }
    const toolCalls = readCallList(value, () => `call_${this.context.random.hexadecimal()}`);
    if (toolCalls === undefined) return { toolsCalled: false, toolCalls: [], content: text };
    const content = isBlank(found.content) ? null : found.content;
    return { toolsCalled: toolCalls.length > 0, toolCalls, content };
  }

  push(text: string): DeltaDraft | undefined {
    this.text += text;
    if (this.isIdle && !ENDINGS.test(text)) return undefined;
    const list = listText(this.text);
    if (list === undefined) return contentDraft(text);
    const value = strip(list, "right").endsWith("]") ? parseJson(list) : undefined;
    if (isJsonList(value)) this.unstreamed = lastArguments(value);
    const piece = this.calls.next({
      text: this.text,
      argumentsOf: (match, index, count) => argumentsUpToNext(this.text, match, index < count - 1),
      makeId: (index) => `call_${index}_${this.context.random.hexadecimal()}`,
    });
    this.isIdle = piece === undefined && value === undefined;
    return piece && callsDelta(piece);
  }

  unstreamedArguments(): string {
    // vLLM keeps no account of what was told here, so that all of the last call's arguments come once more.
    return this.unstreamed;
  }

  finish(): undefined {
    return undefined;
  }
}

/** The first list of calls outside of thoughts that is JSON. */
function findCalls(text: string): { readonly content: string; readonly list: string } | undefined {
  for (const match of text.matchAll(CALLS)) {
    const end = match.index + match[0].length;
    const isThought = [...text.matchAll(THOUGHTS)].some(
      (thought) => match.index > thought.index && end < thought.index + thought[0].length,
    );
    const list = strip(match[1] ?? "", "both");
    if (!isThought && parseJson(list) !== undefined) return { content: text.slice(0, match.index), list };
  }
  return undefined;
}

/** The text from the list's bracket on; undefined where the text does not begin with it or with its mark. */
function listText(text: string): string | undefined {
  let start = skipSpace(text, 0);
  if (text.startsWith(START, start)) start = skipSpace(text, start + START.length);
  return text.charAt(start) === "[" ? text.slice(start) : undefined;
}

function skipSpace(text: string, start: number): number {
  let index = start;
  while (index < text.length && isSpaceUnit(text.charCodeAt(index))) index++;
  return index;
}

/** Arguments of a call that is not the last run to where the next one begins. */
function argumentsUpToNext(text: string, match: RegExpExecArray, hasNext: boolean): string {
  const found = match[1] ?? "";
  const end = hasNext ? text.indexOf("},{", match.index) : -1;
  if (end === -1) return found;
  return strip(text.slice(match.index, end + 1).split('"arguments":')[1] ?? "", "both");
}
