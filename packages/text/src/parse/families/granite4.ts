import { dumpJson, PLAIN_JSON } from "../../template/python/json-dump.ts";
import { parseJson } from "../../template/python/parse-json.ts";
import { callStart, type DeltaDraft, type ToolCallDraft } from "../delta-draft.ts";
import type { OutputParserContext, ParsedToolCall } from "../output-parser.ts";
import { tagOverlap } from "../tag-overlap.ts";
import { randomCallId } from "../tool-call-id.ts";
import type { ExtractedToolCalls, ToolParser, ToolParserFamily } from "../tool-parser.ts";

const OPEN = "<tool_call>";
const CLOSE = "</tool_call>";

/** Granite 4: Hermes' form, a call told whole when its closing tag is there. Text between calls is content. */
export const granite4Tools: ToolParserFamily = {
  engineBased: false,
  structuralTag: undefined,
  forcedAsJson: true,
  specialTokens: "with-tools",
  defaultStrictLevel: undefined,
  create: (context) => new Granite4Tools(context),
};

/** A call read from JSON. */
interface ReadCall {
  readonly name: string | null | undefined;
  readonly arguments: string | null;
}

class Granite4Tools implements ToolParser {
  private readonly context: OutputParserContext;
  private held = "";
  private inCall = false;
  private readonly told: string[] = [];
  /** Arguments of the last call read, as JSON text, whether or not it was told. */
  private lastArguments: string | undefined;
  private readCalls = 0;

  constructor(context: OutputParserContext) {
    this.context = context;
  }

  push(text: string): DeltaDraft | undefined {
    const bodies: string[] = [];
    let content = "";
    let rest = this.held + text;
    for (;;) {
      const step = this.step(rest);
      content += step.content;
      if (step.body !== "") bodies.push(step.body);
      this.held = step.held;
      if (step.done) break;
      rest = step.held;
    }
    const calls = this.readAll(bodies);
    if (calls === undefined || this.readCalls !== this.told.length + calls.length) return undefined;
    const toolCalls = calls.map((call): ToolCallDraft => {
      const piece = callStart(this.told.length, randomCallId(this.context), "");
      this.told.push(call.arguments ?? "");
      return { ...piece, name: call.name ?? undefined, arguments: call.arguments ?? undefined };
    });
    if (content === "" && toolCalls.length === 0) return undefined;
    return { content: content === "" ? null : content, reasoning: undefined, toolCalls };
  }

  extract(text: string): ExtractedToolCalls {
    const none = { toolsCalled: false, toolCalls: [], content: text };
    const parts = splitAtTags(text);
    const calls = parts === undefined ? undefined : this.readAll(parts.bodies);
    if (parts === undefined || calls === undefined) return none;
    const toolCalls: ParsedToolCall[] = [];
    for (const { name, arguments: given } of calls) {
      if (typeof name !== "string" || given === null) return none;
      toolCalls.push({ id: randomCallId(this.context), name, arguments: given });
    }
    return {
      toolsCalled: toolCalls.length > 0,
      toolCalls,
      content: parts.content === "" ? null : parts.content,
    };
  }

  unstreamedArguments(): string {
    const expected = this.lastArguments;
    const streamed = this.told[this.readCalls - 1] ?? "";
    return expected?.startsWith(streamed) === true ? expected.slice(streamed.length) : "";
  }

  finish(): undefined {
    return undefined;
  }

  /** One step over the text that is there: up to a closing tag, or as far as is certain. */
  private step(text: string): {
    readonly done: boolean;
    readonly content: string;
    readonly body: string;
    readonly held: string;
  } {
    const start = text.indexOf(OPEN);
    if (start === -1) {
      const overlap = tagOverlap(text, OPEN);
      const end = text.length - overlap;
      return { done: true, content: text.slice(0, end), body: "", held: text.slice(end) };
    }
    const end = text.indexOf(CLOSE);
    const body = text.slice(start + OPEN.length, Math.max(end, 0));
    const behind = text.slice(end + CLOSE.length);
    if (!this.inCall) {
      this.inCall = true;
      const content = text.slice(0, start);
      if (end > 0) return { done: false, content, body, held: behind };
      return { done: true, content, body: "", held: text.slice(start) };
    }
    if (end === -1) return { done: true, content: "", body: "", held: text };
    this.inCall = false;
    return { done: false, content: "", body, held: behind };
  }

  /** Undefined where one of the calls cannot be read; those before it count as read all the same. */
  private readAll(bodies: readonly string[]): readonly ReadCall[] | undefined {
    const values = bodies.map((body) => parseJson(body));
    if (values.includes(undefined)) return undefined;
    const calls: ReadCall[] = [];
    for (const value of values) {
      if (!(value instanceof Map)) return undefined;
      const given = value.get("arguments");
      this.readCalls++;
      const json =
        typeof given === "string" ? given : given === undefined ? "{}" : dumpJson(given, PLAIN_JSON);
      this.lastArguments = json;
      const name = value.get("name") ?? null;
      if (given === undefined || !value.has("name") || (name !== null && typeof name !== "string"))
        return undefined;
      calls.push({ name, arguments: given === null ? null : json });
    }
    return calls;
  }
}

/** Undefined where the tags do not alternate or a call is empty or open. */
function splitAtTags(
  text: string,
): { readonly content: string; readonly bodies: readonly string[] } | undefined {
  const bodies: string[] = [];
  let content = "";
  let cut = 0;
  let open = false;
  for (const match of text.matchAll(/<\/?tool_call>/g)) {
    const piece = text.slice(cut, match.index);
    if ((match[0] === OPEN) === open || (open && piece === "")) return undefined;
    if (open) bodies.push(piece);
    else content += piece;
    open = !open;
    cut = match.index + match[0].length;
  }
  return open ? undefined : { content: content + text.slice(cut), bodies };
}
