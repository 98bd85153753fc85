import { decodeJsonAt, parseJson } from "../../template/python/parse-json.ts";
import { strip } from "../../template/python/whitespace.ts";
import type { TemplateValue } from "../../template/template-value.ts";
import { isBlank } from "../blank.ts";
import { contentDraft, emptyDraft, type DeltaDraft, type ToolCallDraft } from "../delta-draft.ts";
import { JsonEventFailure, JsonEvents, type JsonEvent } from "../json/json-events.ts";
import { argumentsText, isJsonList, isJsonMap } from "../json/json-value.ts";
import type { OutputParserContext, ParsedToolCall } from "../output-parser.ts";
import { requiredToken } from "../reasoning/think-tokens.ts";
import type { ExtractedToolCalls, ToolParser } from "../tool-parser.ts";

/** The token that begins calls. */
export const MISTRAL_MARK = "[TOOL_CALLS]";
/** Characters of a call's id. */
export const MISTRAL_ID_LENGTH = 9;

const LIST = /\[\{[^]*\}\]/;

type State =
  | "start"
  | "key"
  | "name"
  | "named"
  | "before-arguments"
  | "arguments"
  | "argued"
  | "between"
  | "over";

/** After which character, counted from there, a state looks again. */
const STOPS: Readonly<Record<State, string>> = {
  start: "{",
  key: ":{}",
  name: ",]}",
  named: "}]",
  "before-arguments": "{}",
  arguments: "}",
  argued: "}]",
  between: "{]",
  over: "",
};

/** Calls of Mistral models before version 11: `[TOOL_CALLS][{"name": …, "arguments": {…}}, …]`. */
export class MistralListTools implements ToolParser {
  private readonly context: OutputParserContext;
  private readonly markId: number;
  private readonly isForced: boolean;
  private readonly reader = new JsonEvents((event) => this.take(event));
  private inCalls = false;
  private state: State = "start";
  private isBareObject = false;
  /** What the reader has seen and the delta has not told. */
  private startsCall = false;
  private name: string | undefined;
  private textArguments: string | undefined;
  private current = -1;
  private id: string | undefined;

  constructor(context: OutputParserContext) {
    this.context = context;
    this.markId = requiredToken(context.tokenizer, MISTRAL_MARK, "mistral");
    this.isForced = context.toolChoice === "required" || typeof context.toolChoice === "object";
  }

  extract(text: string): ExtractedToolCalls {
    const asContent = { toolsCalled: false, toolCalls: [], content: text };
    if (this.context.toolChoice === "none" && this.context.tools.length > 0) return asContent;
    const [content = "", ...segments] = text.split(MISTRAL_MARK);
    const isMarked = segments.length > 0;
    if (!isMarked && !this.isForced) return asContent;
    const list = isMarked
      ? (segments.map((segment) => strip(segment, "both")).find((segment) => segment !== "") ?? "")
      : strip(text, "both");
    const toolCalls = this.collect(readList(list));
    if (toolCalls.length === 0) return { toolsCalled: false, toolCalls: [], content: list };
    return { toolsCalled: true, toolCalls, content: isMarked && !isBlank(content) ? content : null };
  }

  push(text: string, tokenIds: readonly number[]): DeltaDraft | undefined {
    const isMarked = tokenIds.includes(this.markId) || text.includes(MISTRAL_MARK);
    if (isMarked || (this.isForced && text !== "")) this.inCalls = true;
    if (!this.inCalls) return contentDraft(text);
    try {
      return this.read(text, isMarked);
    } catch (error) {
      if (error instanceof JsonEventFailure) return undefined;
      throw error;
    }
  }

  unstreamedArguments(): string {
    return "";
  }

  finish(): DeltaDraft | undefined {
    return undefined;
  }

  private collect(value: TemplateValue | undefined): ParsedToolCall[] {
    const calls: ParsedToolCall[] = [];
    for (const call of isJsonMap(value) ? [value] : isJsonList(value) ? value : []) {
      if (!isJsonMap(call) || !(call.has("name") || call.has("arguments"))) continue;
      const name = call.get("name");
      const given = call.get("arguments") ?? null;
      calls.push({
        id: this.makeId(),
        name: typeof name === "string" ? name : "",
        arguments: given === null ? "{}" : typeof given === "string" ? given : argumentsText(given),
      });
    }
    return calls;
  }

  private read(text: string, isMarked: boolean): DeltaDraft | undefined {
    let content = "";
    let rest = text;
    if (isMarked) {
      const [before = "", ...after] = text.split(MISTRAL_MARK);
      content = before;
      rest = after.join("");
    }
    const pieces: ToolCallDraft[] = [];
    let piece = this.newPiece();
    let isTold = false;
    while (rest !== "") {
      if (this.state === "over") {
        content = rest;
        break;
      }
      const before = this.state;
      const end = stopOf(rest, STOPS[before]);
      const read = rest.slice(0, end);
      rest = rest.slice(end);
      this.reader.push(read);
      if (this.startsCall) {
        this.startsCall = false;
        if (isTold) pieces.push(this.identified(piece));
        isTold = false;
        this.current++;
        this.id = this.makeId();
        piece = this.newPiece();
      }
      isTold = this.fill(piece, read, before) || isTold;
    }
    if (isTold) pieces.push(this.identified(piece));
    if (content === "" && pieces.length === 0) return this.state === "over" ? emptyDraft() : undefined;
    const toolCalls = pieces.length === 0 ? undefined : pieces;
    return { content: content === "" ? undefined : content, reasoning: undefined, toolCalls };
  }

  /** Puts what was read into the piece. @returns whether there was anything */
  private fill(piece: ToolCallDraft, read: string, before: State): boolean {
    let isTold = false;
    if (this.name !== undefined) {
      isTold = true;
      piece.name = this.name;
      this.name = undefined;
    }
    if (this.textArguments !== undefined) {
      isTold = true;
      piece.arguments = this.textArguments;
      this.textArguments = undefined;
    }
    if (this.state === "named") this.state = "key";
    if (this.state === "arguments" || this.state === "argued") {
      if (this.state === "argued") this.state = "key";
      isTold = true;
      piece.arguments = (piece.arguments ?? "") + read;
      if (before !== "arguments") piece.arguments = strip(piece.arguments, "left");
    }
    return isTold;
  }

  private take(event: JsonEvent): void {
    if (event.path === "" && event.kind === "start-map") this.isBareObject = true;
    const path = !this.isBareObject ? event.path : event.path === "" ? "item" : `item.${event.path}`;
    const { kind, value } = event;
    if (path === "item" && kind === "start-map") {
      this.state = "key";
      this.startsCall = true;
    } else if (path === "item" && kind === "key" && value === "name") this.state = "name";
    else if (path === "item" && kind === "key" && value === "arguments") this.state = "before-arguments";
    else if (path === "item.name" && kind === "string") {
      this.name = value;
      this.state = "named";
    } else if (path === "item.arguments" && kind === "start-map") this.state = "arguments";
    else if (path === "item.arguments" && kind === "end-map") this.state = "argued";
    else if (path === "item.arguments" && kind === "string") this.textArguments = value;
    else if (path === "item" && kind === "end-map") this.state = this.isBareObject ? "over" : "between";
    else if (path === "" && kind === "end-array") this.state = "over";
  }

  private newPiece(): ToolCallDraft {
    return { index: this.current, id: undefined, type: "function", name: undefined, arguments: undefined };
  }

  private identified(piece: ToolCallDraft): ToolCallDraft {
    if (this.id !== undefined) piece.id = this.id;
    this.id = undefined;
    return piece;
  }

  private makeId(): string {
    return this.context.random.alphanumeric(MISTRAL_ID_LENGTH);
  }
}

/** Position behind the first of some characters, or the end. */
function stopOf(text: string, stops: string): number {
  for (let index = 0; index < text.length; index++) if (stops.includes(text.charAt(index))) return index + 1;
  return text.length;
}

/** The JSON a list begins with, or what looks like one in it. */
function readList(text: string): TemplateValue | undefined {
  const decoded = decodeJsonAt(text, 0);
  if (decoded !== undefined) return decoded.value;
  const found = LIST.exec(text)?.[0];
  return found === undefined ? undefined : parseJson(found);
}
