import type { ToolCallDelta } from "@vllm-router/text";
import { quoteJson } from "../json/string-text.ts";
import type { PositionLogprobs } from "../writer.ts";
import { NumberedEvents } from "./numbered-events.ts";
import { customToolInput, customToolInputPrefix } from "./custom-tool-input.ts";
import {
  customCallItem,
  functionCallItem,
  messageItem,
  outputTextPart,
  reasoningItem,
  reasoningPart,
} from "./output-items.ts";
import { deltaLogprobs, itemLogprobs, type ResponseLogprobStyle } from "./response-logprobs.ts";
import type { CalledTool, ToolNames } from "./responses-tools.ts";

/** What an {@link ItemStream} works with. */
export interface ItemStreamOptions {
  readonly names: ToolNames;
  readonly randomId: () => string;
  readonly style: ResponseLogprobStyle;
}

/** The call that is open. */
interface OpenCall {
  readonly index: number;
  readonly callId: string;
  readonly tool: CalledTool;
  readonly isCustom: boolean;
  /** Of a custom tool, what was told of its text. */
  told: string;
}

/**
 * The output items of one stream: one is open at a time, and opens when something of its kind comes. Every method
 * returns the events to send; they are numbered here.
 */
export class ItemStream {
  readonly #options: ItemStreamOptions;
  readonly #finished: string[] = [];
  readonly #answers: string[] = [];
  readonly #events = new NumberedEvents();
  #kind: "content" | "reasoning" | "call" | undefined;
  #itemId = "";
  /** End of events about a part of the open item. */
  #place = "";
  #text = "";
  #logprobs = "";
  #call: OpenCall | undefined;

  constructor(options: ItemStreamOptions) {
    this.#options = options;
  }

  /** Finished items, as JSON. */
  get finished(): readonly string[] {
    return this.#finished;
  }

  /** Texts of the finished messages. */
  get answers(): readonly string[] {
    return this.#answers;
  }

  /** One event with the members that sort before its number; those behind the type are `rest`. */
  event(type: string, members: string, rest = ""): string {
    return this.#events.event(type, members, rest);
  }

  /** A piece of the answer's text. */
  content(text: string, logprobs: readonly PositionLogprobs[]): string {
    if (text === "") return "";
    const open = this.#kind === "content" ? "" : this.close() + this.#openContent();
    this.#text += text;
    let shown = "";
    if (logprobs.length > 0) {
      const { style } = this.#options;
      shown = deltaLogprobs(logprobs, style);
      this.#logprobs += `${this.#logprobs === "" ? "" : ","}${itemLogprobs(logprobs, style)}`;
    }
    const id = `"item_id":"${this.#itemId}"`;
    const members = `"content_index":0,"delta":${quoteJson(text)},${id},"logprobs":[${shown}],${this.#place}`;
    return open + this.event("response.output_text.delta", members);
  }

  /** A piece of reasoning. */
  reasoning(text: string): string {
    const open = this.#kind === "reasoning" ? "" : this.close() + this.#openReasoning();
    this.#text += text;
    const members = `"content_index":0,"delta":${quoteJson(text)},"item_id":"${this.#itemId}",${this.#place}`;
    return open + this.event("response.reasoning_text.delta", members);
  }

  /** Pieces of one call. */
  call(pieces: readonly ToolCallDelta[]): string {
    const [first] = pieces;
    if (first === undefined) return "";
    const isOpen = this.#kind === "call" && this.#call?.index === first.index;
    const open = isOpen ? "" : this.close() + this.#openCall(first);
    const args = pieces.map((piece) => piece.arguments ?? "").join("");
    if (args === "") return open;
    this.#text += args;
    if (this.#call?.isCustom === true) return open + this.#customDelta(customToolInputPrefix(this.#text));
    const members = `"delta":${quoteJson(args)},"item_id":"${this.#itemId}",${this.#place}`;
    return open + this.event("response.function_call_arguments.delta", members);
  }

  /** Ends the open item. */
  close(): string {
    const kind = this.#kind;
    this.#kind = undefined;
    switch (kind) {
      case "content":
        return this.#closeContent();
      case "reasoning":
        return this.#closeReasoning();
      case "call":
        return this.#closeCall();
      case undefined:
        return "";
    }
  }

  #open(kind: "content" | "reasoning" | "call", id: string): void {
    this.#kind = kind;
    this.#itemId = id;
    this.#place = `"output_index":${this.#finished.length},`;
    this.#text = "";
    this.#logprobs = "";
  }

  #added(item: string): string {
    return this.event("response.output_item.added", `"item":${item},${this.#place}`);
  }

  #partEvent(type: "added" | "done", part: string): string {
    return this.event(
      `response.content_part.${type}`,
      `"content_index":0,"item_id":"${this.#itemId}",${this.#place}"part":${part},`,
    );
  }

  #done(item: string): string {
    const event = this.event("response.output_item.done", `"item":${item},${this.#place}`);
    this.#finished.push(item);
    return event;
  }

  #openContent(): string {
    this.#open("content", `msg_${this.#options.randomId()}`);
    return (
      this.#added(messageItem(this.#itemId, "in_progress", "")) +
      this.#partEvent("added", outputTextPart("", "[]"))
    );
  }

  #closeContent(): string {
    this.#answers.push(this.#text);
    const part = outputTextPart(this.#text, this.#logprobs === "" ? "null" : `[${this.#logprobs}]`);
    const text = quoteJson(this.#text);
    const where = `"content_index":0,"item_id":"${this.#itemId}","logprobs":[],${this.#place}`;
    return (
      this.#events.textDone("response.output_text.done", where, text) +
      this.#partEvent("done", part) +
      this.#done(messageItem(this.#itemId, "completed", this.#text === "" ? "" : part))
    );
  }

  #openReasoning(): string {
    this.#open("reasoning", `rs_${this.#options.randomId()}`);
    return (
      this.#added(reasoningItem(this.#itemId, "in_progress", "null")) +
      this.#partEvent("added", reasoningPart(""))
    );
  }

  #closeReasoning(): string {
    const part = reasoningPart(this.#text);
    const where = `"content_index":0,"item_id":"${this.#itemId}",${this.#place}`;
    return (
      this.#events.textDone("response.reasoning_text.done", where, quoteJson(this.#text)) +
      this.#partEvent("done", part) +
      this.#done(reasoningItem(this.#itemId, "completed", `[${part}]`))
    );
  }

  #openCall(piece: ToolCallDelta): string {
    const { names, randomId } = this.#options;
    const tool = names.resolve(piece.name ?? "");
    const isCustom = names.custom.has(tool.name);
    this.#open("call", `${isCustom ? "ctc" : "fc"}_${randomId()}`);
    const callId = piece.id ?? `chatcmpl-tool-${randomId()}`;
    this.#call = { index: piece.index, callId, tool, isCustom, told: "" };
    return this.#added(this.#callItem(this.#call, "", "in_progress"));
  }

  #callItem(call: OpenCall, text: string, status: "in_progress" | "completed"): string {
    const { callId, tool } = call;
    const id = this.#itemId;
    return call.isCustom
      ? customCallItem({ id, callId, name: tool.name, input: text })
      : functionCallItem({ id, callId, tool, arguments: text, status });
  }

  #customDelta(text: string): string {
    const call = this.#call;
    if (call === undefined || call.told === text) return "";
    // A text that does not go on from what was told is told anew.
    const delta = text.startsWith(call.told) ? text.slice(call.told.length) : text;
    call.told = text;
    const members = `"delta":${quoteJson(delta)},"item_id":"${this.#itemId}",${this.#place}`;
    return this.event("response.custom_tool_call_input.delta", members);
  }

  #closeCall(): string {
    const call = this.#call;
    if (call === undefined) return "";
    this.#call = undefined;
    const where = `"item_id":"${this.#itemId}",${this.#place}`;
    if (!call.isCustom) {
      const members = `"arguments":${quoteJson(this.#text)},${where}`;
      const name = `,"name":${quoteJson(call.tool.name)}`;
      return (
        this.event("response.function_call_arguments.done", members, name) +
        this.#done(this.#callItem(call, this.#text, "completed"))
      );
    }
    const input = customToolInput(this.#text);
    this.#call = call;
    const last = this.#customDelta(input);
    this.#call = undefined;
    return (
      last +
      this.event("response.custom_tool_call_input.done", `"input":${quoteJson(input)},${where}`) +
      this.#done(this.#callItem(call, input, "completed"))
    );
  }
}
