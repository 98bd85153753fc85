import type { HarmonyMessage, HarmonySegment } from "@vllm-router/text";
import { quoteJson } from "../json/string-text.ts";
import type { HarmonyItemOptions, ToldItem } from "./harmony-items.ts";
import { functionOf, isFunctionRecipient, TRAINED_TOOLS } from "./harmony-recipient.ts";
import { NumberedEvents } from "./numbered-events.ts";
import {
  codeInterpreterItem,
  functionCallItem,
  mcpCallItem,
  messageItem,
  outputTextPart,
  reasoningItem,
  reasoningPart,
} from "./output-items.ts";

type Kind = "message" | "reasoning" | "call" | "code" | "mcp";

/**
 * The output items of one stream of gpt-oss: one for every message of Harmony, opened by its first piece of text. A
 * message without text is never told of, but has its place among the items.
 */
export class HarmonyItemStream {
  readonly #options: HarmonyItemOptions;
  readonly #events = new NumberedEvents();
  #index = 0;
  #open: Kind | undefined;
  #id = "";
  #callId = "";

  constructor(options: HarmonyItemOptions) {
    this.#options = options;
  }

  /** One event of the stream. */
  event(type: string, members: string): string {
    return this.#events.event(type, members);
  }

  /** Events of a piece of text. */
  piece(segment: HarmonySegment): string {
    const { recipient, text } = segment;
    const kind = this.#kindOf(segment.channel, recipient);
    if (text === "" || kind === undefined) return "";
    const open = this.#open === undefined ? this.#begin(kind, recipient ?? "") : "";
    const delta = `"delta":${quoteJson(text)},"item_id":"${this.#id}",`;
    switch (kind) {
      case "message":
        return open + this.#tell("output_text.delta", `"content_index":0,${delta}"logprobs":[],`);
      case "reasoning":
        return open + this.#tell("reasoning_text.delta", `"content_index":0,${delta}`);
      case "call":
        return open + this.#tell("function_call_arguments.delta", delta);
      case "code":
        return open + this.#tell("code_interpreter_call_code.delta", delta);
      case "mcp":
        return open + this.#tell("mcp_call_arguments.delta", delta);
    }
  }

  /** Events of the end of a message, and the item they told of. */
  done(message: HarmonyMessage): { readonly events: string; readonly told: readonly ToldItem[] } {
    const kind = this.#open === undefined ? undefined : this.#kindOf(message.channel, message.recipient);
    const end =
      kind === undefined
        ? { events: "", told: [] }
        : this.#finish(kind, message.text, message.recipient ?? "");
    this.#index++;
    this.#open = undefined;
    return end;
  }

  #kindOf(channel: string | undefined, recipient: string | undefined): Kind | undefined {
    if (recipient === undefined) {
      if (channel === "analysis") return "reasoning";
      return channel === "final" || channel === "commentary" ? "message" : undefined;
    }
    if (isFunctionRecipient(recipient, this.#options.declared)) return "call";
    return recipient === "python" ? "code" : "mcp";
  }

  /** An event about the open item. */
  #tell(type: string, members: string, rest = ""): string {
    return this.#events.event(`response.${type}`, `${members}"output_index":${this.#index},`, rest);
  }

  #part(type: "added" | "done", part: string): string {
    const members = `"content_index":0,"item_id":"${this.#id}","output_index":${this.#index},"part":${part},`;
    return this.#events.event(`response.content_part.${type}`, members);
  }

  #begin(kind: Kind, recipient: string): string {
    const { randomId } = this.#options;
    this.#open = kind;
    this.#id = `${PREFIXES[kind]}_${randomId()}`;
    const added = (item: string): string => this.#tell("output_item.added", `"item":${item},`);
    const inProgress = (type: string): string =>
      this.#tell(`${type}.in_progress`, `"item_id":"${this.#id}",`);
    switch (kind) {
      case "message":
        return (
          added(messageItem(this.#id, "in_progress", "")) + this.#part("added", outputTextPart("", "[]"))
        );
      case "reasoning":
        return added(reasoningItem(this.#id, "in_progress", "null")) + this.#part("added", reasoningPart(""));
      case "call":
        this.#callId = `call_${randomId()}`;
        return added(this.#call(recipient, "", "in_progress"));
      case "code":
        return added(codeInterpreterItem(this.#id, null)) + inProgress("code_interpreter_call");
      case "mcp":
        return (
          added(mcpCallItem({ id: this.#id, ...mcpNames(recipient), arguments: "", status: "in_progress" })) +
          inProgress("mcp_call")
        );
    }
  }

  #call(recipient: string, text: string, status: "in_progress" | "completed"): string {
    const tool = { name: functionOf(recipient), namespace: null };
    return functionCallItem({ id: this.#id, callId: this.#callId, tool, arguments: text, status });
  }

  #finish(
    kind: Kind,
    text: string,
    recipient: string,
  ): { readonly events: string; readonly told: ToldItem[] } {
    const quoted = quoteJson(text);
    const id = `"item_id":"${this.#id}",`;
    const place = `"content_index":0,${id}`;
    const done = (item: string): string => this.#tell("output_item.done", `"item":${item},`);
    const told = (type: ToldItem["type"]): ToldItem[] => [{ type, id: this.#id }];
    switch (kind) {
      case "message": {
        const part = outputTextPart(text, "null");
        const where = `${place}"logprobs":[],"output_index":${this.#index},`;
        const events =
          this.#events.textDone("response.output_text.done", where, quoted) +
          this.#part("done", part) +
          done(messageItem(this.#id, "completed", part));
        return { events, told: told("message") };
      }
      case "reasoning": {
        const part = reasoningPart(text);
        const where = `${place}"output_index":${this.#index},`;
        const events =
          this.#events.textDone("response.reasoning_text.done", where, quoted) +
          this.#part("done", part) +
          done(reasoningItem(this.#id, "completed", `[${part}]`));
        return { events, told: told("reasoning") };
      }
      case "call": {
        const name = `,"name":${quoteJson(functionOf(recipient))}`;
        // vLLM puts the event's own place into the item too.
        const item = this.#call(recipient, text, "completed").slice(0, -1);
        const events =
          this.#tell("function_call_arguments.done", `"arguments":${quoted},${id}`, name) +
          done(`${item},"output_index":${this.#index},"sequence_number":-1}`);
        return { events, told: [{ type: "function_call", id: this.#id, callId: this.#callId }] };
      }
      case "code": {
        const events =
          this.#tell("code_interpreter_call_code.done", `"code":${quoted},${id}`) +
          this.#tell("code_interpreter_call.interpreting", id) +
          this.#tell("code_interpreter_call.completed", id) +
          done(codeInterpreterItem(this.#id, text));
        return { events, told: told("code_interpreter_call") };
      }
      case "mcp": {
        const names = mcpNames(recipient);
        const events =
          this.#tell(
            "mcp_call_arguments.done",
            `"arguments":${quoted},${id}`,
            `,"name":${quoteJson(names.name)}`,
          ) +
          this.#tell("mcp_call.completed", id) +
          done(mcpCallItem({ id: this.#id, ...names, arguments: text, status: "completed" }));
        return { events, told: told("mcp_call") };
      }
    }
  }
}

const PREFIXES: Readonly<Record<Kind, string>> = {
  message: "msg",
  reasoning: "rs",
  call: "fc",
  code: "tool",
  mcp: "mcp",
};

/** How streams name a tool; the finished response has it otherwise. */
function mcpNames(recipient: string): { readonly name: string; readonly serverLabel: string } {
  if (recipient.startsWith("mcp.")) {
    const name = recipient.slice("mcp.".length);
    return { name, serverLabel: name };
  }
  return { name: recipient, serverLabel: TRAINED_TOOLS.get(recipient) ?? recipient };
}
