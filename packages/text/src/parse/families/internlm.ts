import { parseJson } from "../../template/python/parse-json.ts";
import type { TemplateValue } from "../../template/template-value.ts";
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
import { completeJson } from "../json/complete-json.ts";
import { GrowingCalls } from "../json/growing-calls.ts";
import { argumentsText, hasArguments, isJsonMap, type JsonMap } from "../json/json-value.ts";
import { commonPrefix } from "../json/text-difference.ts";
import type { OutputParserContext } from "../output-parser.ts";
import { randomCallId } from "../tool-call-id.ts";
import type { ExtractedToolCalls, ToolParser, ToolParserFamily } from "../tool-parser.ts";

const ACTION = "<|action_start|>";
const START = "<|action_start|><|plugin|>";
const END = "<|action_end|>";

/** InternLM 2.5: one call, `<|action_start|><|plugin|>{"name": …, "parameters": {…}}<|action_end|>`. */
export const internlmTools: ToolParserFamily = {
  engineBased: false,
  structuralTag: undefined,
  forcedAsJson: true,
  specialTokens: "with-tools",
  defaultStrictLevel: undefined,
  create: (context) => new InternlmTools(context),
};

class InternlmTools implements ToolParser {
  private readonly context: OutputParserContext;
  private readonly progress = new CallProgress();
  /** Text from where it has not been told. */
  private readonly growing = new GrowingCalls();
  private hasAction = false;
  private lastText = "";

  constructor(context: OutputParserContext) {
    this.context = context;
  }

  extract(text: string): ExtractedToolCalls {
    const asContent = { toolsCalled: false, toolCalls: [], content: text };
    const [content = "", action, ...more] = text.split(START);
    if (action === undefined || more.length > 0) return asContent;
    const [body = ""] = action.split(END, 1);
    const brace = body.indexOf("{");
    const call = parseJson(brace === -1 ? body.slice(-1) : body.slice(brace));
    const name = isJsonMap(call) ? call.get("name") : undefined;
    // vLLM fails on what is no call; here it is text.
    if (!isJsonMap(call) || typeof name !== "string") return asContent;
    const given = call.has("parameters") ? call.get("parameters") : call.get("arguments");
    const toolCalls = [
      {
        id: randomCallId(this.context),
        name,
        arguments: argumentsText(given === undefined ? new Map() : given),
      },
    ];
    return { toolsCalled: true, toolCalls, content: content === "" ? null : content };
  }

  push(text: string): DeltaDraft | undefined {
    if (!this.hasAction) {
      this.hasAction = (this.lastText + text).includes(ACTION);
      if (!this.hasAction) {
        this.lastText = (this.lastText + text).slice(1 - ACTION.length);
        return contentDraft(text);
      }
    }
    const { growing } = this;
    growing.add(text);
    const [before = "", action, ...more] = growing.text.split(START);
    if (action === undefined || more.length > 0) return undefined;
    if (before !== "") {
      growing.text = growing.text.slice(before.length);
      return contentDraft(before);
    }
    const delta = this.call(bodyOf(action), text);
    growing.shorten((shorter) => {
      const call = this.read(bodyOf(shorter.slice(START.length)));
      return call && [call];
    }, this.progress);
    return delta;
  }

  unstreamedArguments(): string {
    return this.progress.unstreamedArguments();
  }

  finish(): undefined {
    return undefined;
  }

  private call(body: string, newText: string): DeltaDraft | undefined {
    const { progress } = this;
    const call = this.read(body);
    if (call === undefined) return undefined;
    const piece = progress.nameSent ? this.more(givenArguments(call), { body, newText }) : this.begin(call);
    if (piece === "wait") return undefined;
    progress.previous = [call];
    return piece && callsDelta(piece);
  }

  /** The call of a body that may be cut short, with what it was given as `arguments`. */
  private read(body: string): JsonMap | undefined {
    const whole = completeJson(body, this.progress.nameSent);
    const call = whole === undefined ? undefined : parseJson(whole);
    return isJsonMap(call) ? new Map([...call, ["arguments", givenArguments(call) ?? null]]) : undefined;
  }

  private begin(call: JsonMap): ToolCallDraft | undefined {
    const name = call.get("name");
    if (typeof name !== "string" || name === "") return undefined;
    this.progress.begin(this.progress.current + 1);
    this.progress.nameSent = true;
    return callStart(this.progress.current, randomCallId(this.context), name);
  }

  private more(
    current: TemplateValue | undefined,
    source: { readonly body: string; readonly newText: string },
  ): ToolCallDraft | undefined | "wait" {
    const { progress } = this;
    const known = progress.previous[progress.current];
    if (known === undefined) return "wait";
    const previous = givenArguments(known);
    if (!hasArguments(current)) return undefined;
    const whole = argumentsText(current);
    const isComplete = parseJson(source.body) !== undefined;
    let gained: string;
    if (hasArguments(previous)) {
      const told = (progress.told ?? "").length;
      gained = isComplete ? whole.slice(told) : commonGain(argumentsText(previous), whole, told);
    } else {
      const at = whole.indexOf(source.newText);
      if (at === -1 && !isComplete) return "wait";
      gained = at === -1 ? whole : whole.slice(0, at + source.newText.length);
    }
    progress.tell(gained);
    return callArguments(progress.current, gained);
  }
}

/** The call behind the opening mark, up to the closing one. */
function bodyOf(action: string): string {
  return strip(action, "both").split(END, 1)[0] ?? "";
}

function commonGain(previous: string, current: string, told: number): string {
  return previous === current ? "" : commonPrefix(previous, current).slice(told);
}

function givenArguments(call: JsonMap): TemplateValue | undefined {
  return call.has("parameters") ? call.get("parameters") : call.get("arguments");
}
