import { strip } from "../../template/python/whitespace.ts";
import {
  callArguments,
  callsDelta,
  callStart,
  contentDraft,
  type DeltaDraft,
  type ToolCallDraft,
} from "../delta-draft.ts";
import { CallProgress } from "../json/call-progress.ts";
import type { JsonMap } from "../json/json-value.ts";
import type { OutputParserContext } from "../output-parser.ts";
import { requiredToken } from "../reasoning/think-tokens.ts";
import { randomCallId } from "../tool-call-id.ts";
import type { ExtractedToolCalls, ToolParser } from "../tool-parser.ts";

const CALLS_START = "<｜tool▁calls▁begin｜>";
const CALLS_END = "<｜tool▁calls▁end｜>";
const CALL_START = "<｜tool▁call▁begin｜>";
const CALL_END = "<｜tool▁call▁end｜>";

/** How one call is written between its two tokens. */
export interface DeepseekSyntax {
  /** Name of the family, for errors. */
  readonly family: string;
  /** Whole calls in a text, with the named groups `name` and `arguments`, and `type` where calls have one. */
  readonly call: RegExp;
  /** A call as far as it goes: `name` alone, or with `arguments`. The first pattern that fits counts. */
  readonly partial: readonly RegExp[];
}

/**
 * The calls of DeepSeek V3 and V3.1: lists of calls between tokens, told by counting the tokens. Where a call comes in
 * pieces, arguments are told as the model wrote them, on their first line only; the end of a call is told only where it
 * shows a text's closing quote with the brace. All of that is vLLM's.
 */
export class DeepseekCalls implements ToolParser {
  private readonly context: OutputParserContext;
  private readonly syntax: DeepseekSyntax;
  private readonly ids: {
    readonly calls: number;
    readonly start: number | undefined;
    readonly end: number | undefined;
  };
  private readonly progress = new CallProgress();
  private text = "";
  private inCalls = false;
  private starts = 0;
  private ends = 0;

  constructor(context: OutputParserContext, syntax: DeepseekSyntax) {
    const { tokenizer } = context;
    this.context = context;
    this.syntax = syntax;
    this.ids = {
      calls: requiredToken(tokenizer, CALLS_START, syntax.family),
      start: tokenizer.tokenId(CALL_START),
      end: tokenizer.tokenId(CALL_END),
    };
    requiredToken(tokenizer, CALLS_END, syntax.family);
  }

  extract(text: string): ExtractedToolCalls {
    const start = text.indexOf(CALLS_START);
    const asContent = { toolsCalled: false, toolCalls: [], content: text };
    if (start === -1) return asContent;
    const toolCalls = [];
    for (const { groups = {} } of text.matchAll(this.syntax.call)) {
      if ((groups["type"] ?? "function") !== "function") return asContent;
      toolCalls.push({
        id: randomCallId(this.context),
        name: groups["name"] ?? "",
        arguments: groups["arguments"] ?? "",
      });
    }
    return { toolsCalled: true, toolCalls, content: start === 0 ? null : text.slice(0, start) };
  }

  push(text: string, tokenIds: readonly number[]): DeltaDraft | undefined {
    this.inCalls ||= tokenIds.includes(this.ids.calls);
    const before = { starts: this.starts, ends: this.ends };
    for (const id of tokenIds) {
      if (id === this.ids.start) this.starts++;
      else if (id === this.ids.end) this.ends++;
    }
    this.text += text;
    if (!this.inCalls) return contentDraft(text);
    let delta = text.replaceAll(CALLS_START, "").replaceAll(CALLS_END, "");
    const closes = delta.includes(CALL_END);
    if (this.starts === this.ends && before.ends === this.ends && !closes) return contentDraft(delta);
    let portion: string | undefined;
    let hasText = false;
    if (closes) {
      portion = strip(textBefore(lastCall(this.text + delta), CALL_END), "right");
      delta = strip(textBefore(delta, CALL_END), "right");
      hasText = true;
    }
    if (this.starts > this.ends) {
      hasText = false;
      const isNew = this.starts > before.starts;
      portion = isNew && tokenIds.length === 1 ? undefined : lastCall(this.text);
      if (isNew) this.progress.begin(this.progress.current + 1);
    } else if (this.starts === this.ends && this.ends >= before.ends) {
      const closed = this.close(delta);
      if (closed !== "go on") return closed;
    } else {
      return contentDraft(delta.replaceAll(CALL_START, "").replaceAll(CALL_END, ""));
    }
    return this.tell({ portion, content: hasText ? delta : undefined });
  }

  unstreamedArguments(): string {
    return this.progress.unstreamedArguments();
  }

  finish(): undefined {
    return undefined;
  }

  /** The end of a call. */
  private close(delta: string): DeltaDraft | undefined | "go on" {
    const { progress } = this;
    const call = progress.previous[progress.current];
    if (call === undefined) return undefined;
    if ((call.get("arguments") ?? "") === "") return "go on";
    const end = delta.lastIndexOf('"}');
    if (end === -1) return undefined;
    const rest = delta.slice(0, end + 2);
    progress.tell(rest);
    return callsDelta(callArguments(progress.current, rest));
  }

  /** Tells what a call says so far; `content` is what is told instead where there is no call. */
  private tell(piece: {
    readonly portion: string | undefined;
    readonly content: string | undefined;
  }): DeltaDraft | undefined {
    const { progress } = this;
    const call = this.read(piece.portion ?? "");
    if (call === undefined) return undefined;
    if (!progress.nameSent) {
      const name = call.get("name");
      if (typeof name !== "string" || name === "") return undefined;
      progress.nameSent = true;
      return callsDelta(callStart(progress.current, randomCallId(this.context), name));
    }
    if (piece.portion === undefined)
      return piece.content === undefined ? undefined : contentDraft(piece.content);
    const calls = [...progress.previous];
    if (calls.length <= progress.current) calls.push(new Map());
    const known = calls[progress.current];
    if (known === undefined) {
      // A call that was passed over has no place: vLLM fails, but keeps the place it made.
      progress.previous = calls;
      return undefined;
    }
    const more = this.more(known, call);
    if (progress.current === calls.length - 1) calls[progress.current] = call;
    else calls.push(call);
    progress.previous = calls;
    return more && callsDelta(more);
  }

  /** Reads a call that may be cut short; undefined while its name is not whole. */
  private read(portion: string): JsonMap | undefined {
    if (portion === "") return new Map();
    for (const pattern of this.syntax.partial) {
      const groups = pattern.exec(portion)?.groups;
      if (groups !== undefined) {
        return new Map([
          ["name", groups["name"] ?? ""],
          ["arguments", groups["arguments"] ?? ""],
        ]);
      }
    }
    return undefined;
  }

  private more(before: JsonMap, call: JsonMap): ToolCallDraft | undefined {
    const { progress } = this;
    const current = textOf(call);
    const previous = textOf(before);
    if (current === "" || current.length <= previous.length || !current.startsWith(previous))
      return undefined;
    progress.streamed[progress.current] = current;
    return callArguments(progress.current, current.slice(previous.length));
  }
}

function textOf(call: JsonMap): string {
  const value = call.get("arguments");
  return typeof value === "string" ? value : "";
}

function lastCall(text: string): string {
  const start = text.lastIndexOf(CALL_START);
  return start === -1 ? text : text.slice(start + CALL_START.length);
}

function textBefore(text: string, mark: string): string {
  const at = text.indexOf(mark);
  return at === -1 ? text : text.slice(0, at);
}
