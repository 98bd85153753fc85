import { decodeJsonAt } from "../../template/python/parse-json.ts";
import {
  callArguments,
  callsDelta,
  callStart,
  contentDraft,
  type DeltaDraft,
  type ToolCallDraft,
} from "../delta-draft.ts";
import { CallProgress } from "../json/call-progress.ts";
import { GrowingCalls } from "../json/growing-calls.ts";
import {
  argumentsOrParameters,
  argumentsText,
  hasArguments,
  isJsonList,
  isJsonMap,
  type JsonMap,
} from "../json/json-value.ts";
import { loadPartialJson } from "../json/load-partial-json.ts";
import { commonPrefix } from "../json/text-difference.ts";
import type { OutputParserContext, ParsedToolCall } from "../output-parser.ts";
import { requiredToken } from "../reasoning/think-tokens.ts";
import { randomCallId } from "../tool-call-id.ts";
import type { ExtractedToolCalls, ToolParser, ToolParserFamily } from "../tool-parser.ts";

const TAG = "<|python_tag|>";
/** What stands between two calls; vLLM skips its length without looking. */
const SEPARATOR_LENGTH = "; ".length;

/**
 * Llama 3.1, 3.2 and 4 with calls as JSON objects: `{"name": …, "parameters": {…}}`, several of them separated by `; `,
 * perhaps after `<|python_tag|>`. Collected, they are found anywhere in the text; streamed, only where it begins with one.
 */
export const llamaJsonTools: ToolParserFamily = {
  engineBased: false,
  structuralTag: "llama",
  forcedAsJson: false,
  specialTokens: "as-requested",
  defaultStrictLevel: undefined,
  create: (context) => new LlamaJsonTools(context),
};

interface ReadCalls {
  /** The calls; undefined for a value that is none. */
  readonly calls: readonly (JsonMap | undefined)[];
  readonly isComplete: readonly boolean[];
}

class LlamaJsonTools implements ToolParser {
  private readonly context: OutputParserContext;
  private readonly progress = new CallProgress();
  private readonly growing = new GrowingCalls();
  private isContent = false;

  constructor(context: OutputParserContext) {
    requiredToken(context.tokenizer, TAG, "llama3_json");
    this.context = context;
  }

  extract(text: string): ExtractedToolCalls {
    const toolCalls = this.collect(text);
    return toolCalls === undefined || toolCalls.length === 0
      ? { toolsCalled: false, toolCalls: [], content: text }
      : { toolsCalled: true, toolCalls, content: null };
  }

  push(text: string): DeltaDraft | undefined {
    if (this.isContent) return contentDraft(text);
    const { growing } = this;
    growing.add(text);
    if (!growing.text.startsWith(TAG) && !growing.text.startsWith("{")) {
      this.isContent = growing.text.length >= TAG.length;
      return contentDraft(text);
    }
    const delta = this.tell();
    growing.shorten((shorter) => this.read(shorter)?.calls, this.progress);
    return delta;
  }

  unstreamedArguments(): string {
    return this.progress.unstreamedArguments();
  }

  finish(): undefined {
    return undefined;
  }

  private tell(): DeltaDraft | undefined {
    const read = this.read(this.growing.text);
    if (read === undefined || read.calls.length === 0) return undefined;
    if (read.calls.length > this.progress.current + 1) return this.next(read.calls);
    const call = read.calls.at(this.progress.current);
    if (call === undefined) return undefined;
    const piece = this.progress.nameSent ? this.more(call, read) : this.begin(call);
    if (piece === "failed") return undefined;
    this.progress.previous = read.calls;
    return piece && callsDelta(piece);
  }

  /** Calls anywhere in a text, undefined where a brace begins anything else. */
  private collect(text: string): ParsedToolCall[] | undefined {
    const calls: ParsedToolCall[] = [];
    let end = -1;
    for (let start = text.indexOf("{"); start !== -1; start = text.indexOf("{", start + 1)) {
      // A brace right behind a call is taken for a part of it.
      if (start <= end) continue;
      const decoded = decodeJsonAt(text, start);
      if (decoded === undefined || !isJsonMap(decoded.value)) return undefined;
      ({ end } = decoded);
      const name = decoded.value.get("name");
      const given = argumentsOrParameters(decoded.value);
      if (typeof name !== "string" || given === undefined) return undefined;
      calls.push({ id: randomCallId(this.context), name, arguments: argumentsText(given) });
    }
    return calls;
  }

  /** The calls of a text behind its tag, the last one perhaps cut short; undefined where they cannot be read. */
  private read(text: string): ReadCalls | undefined {
    const calls: (JsonMap | undefined)[] = [];
    const isComplete: boolean[] = [];
    for (let start = text.startsWith(TAG) ? TAG.length : 0; start < text.length;) {
      const rest = text.slice(start);
      const loaded = loadPartialJson(rest, this.progress.nameSent);
      if (loaded === undefined) return undefined;
      const { value, end } = loaded;
      isComplete.push(loaded.isComplete);
      start += end + SEPARATOR_LENGTH;
      if (isJsonMap(value)) {
        const parameters = value.get("parameters");
        if (parameters !== undefined && value.has("arguments")) return undefined;
        calls.push(parameters === undefined ? value : new Map([...value, ["arguments", parameters]]));
      } else {
        // Texts and lists pass for calls as long as they do not hold the word.
        if ((typeof value !== "string" && !isJsonList(value)) || value.includes("parameters"))
          return undefined;
        calls.push(undefined);
      }
    }
    return { calls, isComplete };
  }

  /** Goes on to the last call read, after the rest of the one before it. */
  private next(calls: readonly (JsonMap | undefined)[]): DeltaDraft | undefined {
    const { progress } = this;
    const before = progress.current < 0 ? undefined : calls[progress.current]?.get("arguments");
    let delta: DeltaDraft | undefined;
    if (hasArguments(before)) {
      if (progress.told === undefined) return undefined;
      const rest = argumentsText(before).slice(progress.told.length);
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

  private more(call: JsonMap, read: ReadCalls): ToolCallDraft | undefined | "failed" {
    const { progress } = this;
    const current = call.get("arguments");
    if (!hasArguments(current)) return undefined;
    if (progress.told === undefined) return "failed";
    const text = argumentsText(current);
    const told = progress.told.length;
    let gained: string | undefined;
    if (read.isComplete[progress.current] === true) {
      gained = text.slice(told);
    } else {
      const previous = progress.previous[progress.current]?.get("arguments");
      if (!hasArguments(previous)) return undefined;
      const previousText = argumentsText(previous);
      if (previousText !== text) gained = commonPrefix(previousText, text).slice(told);
    }
    if (gained === undefined) return undefined;
    progress.tell(gained);
    return callArguments(progress.current, gained);
  }
}
