import type { OutputDelta, OutputParser, ToolCallDelta } from "@vllm-router/text";
import type { ApiError } from "../api-error.ts";
import { parseJson } from "../json/parse-json.ts";
import { quoteJson } from "../json/string-text.ts";
import { isToolNamed } from "../response/chat-outcome.ts";
import { STREAM_CONTENT_TYPE } from "../response/response-options.ts";
import { namedSseEvent } from "../sse.ts";
import type { ChoiceFinish, ChoiceOutput, PromptInfo, ResponseUsage, ResponseWriter } from "../writer.ts";
import { messageStreamErrorText } from "./messages-errors.ts";
import { type MessagesResponseOptions, thinkingSignature } from "./messages-options.ts";
import { messageStop } from "./messages-stop.ts";
import { messageUsage } from "./messages-usage.ts";

const BLOCK_STOP = 'event: content_block_stop\ndata: {"type":"content_block_stop","index":';
const DELTA = 'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":';
const MESSAGE_STOP = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';

/** Renders an answer of the Messages API as a stream of events, block by block, as vLLM 0.32 does. */
export function createMessagesStreamWriter(options: MessagesResponseOptions): ResponseWriter {
  return new MessagesStreamWriter(options);
}

class MessagesStreamWriter implements ResponseWriter {
  readonly contentType = STREAM_CONTENT_TYPE;
  readonly #options: MessagesResponseOptions;
  readonly #isNamed: boolean;
  #parser: OutputParser | undefined;
  #hasBegun = false;
  #promptTokens = 0;
  #completionTokens = 0;
  #finish: ChoiceFinish | undefined;
  /** Kind of the open block; undefined between blocks. */
  #block: "text" | "thinking" | "tool_use" | undefined;
  #blockIndex = 0;
  #blockTail = ',"index":0}\n\n';
  #openCallId: string | undefined;
  /** Text that came while a call was open: it follows the call in a block of its own. */
  #heldText = "";
  readonly #callIds = new Map<number, string>();
  #isToolUsed = false;
  /** A piece of a call was streamed, also of one that is not told. */
  #isCallSeen = false;
  /** Arguments of the latest call. */
  #arguments = "";

  constructor(options: MessagesResponseOptions) {
    this.#options = options;
    this.#isNamed = isToolNamed(options.request);
  }

  prompt(_promptIndex: number, prompt: PromptInfo): void {
    this.#promptTokens = prompt.tokenIds.length;
  }

  output(_choice: number, output: ChoiceOutput, finish: ChoiceFinish | undefined): string {
    const begin = this.#begin();
    if (this.#finish !== undefined) return begin;
    if (output.text === "" && output.tokenCount === 0 && this.#completionTokens === 0) return begin;
    this.#completionTokens += output.tokenCount;
    if (finish !== undefined) this.#finish = { ...finish };
    const { parserOf } = this.#options;
    if (parserOf === undefined) return begin + this.#content(output.text);
    this.#parser ??= parserOf(0);
    const ids = Array.from({ length: output.tokenCount }, (_, index) => output.tokenIds[index] as number);
    const delta = this.#parser.push(output.text, ids, finish !== undefined);
    return delta === undefined ? begin : begin + this.#delta(delta);
  }

  end(usage: ResponseUsage): string {
    const { settings } = this.#options;
    const stop = messageStop({
      finishReason: this.#finishReason(),
      stopReason: this.#finish?.stopReason ?? null,
      toolUsed: this.#isToolUsed,
      toolComplete: this.#isToolUsed && isJson(this.#arguments),
    });
    const reason = stop.reason === null ? "null" : quoteJson(stop.reason);
    const sequence = stop.sequence === null ? "null" : quoteJson(stop.sequence);
    const delta =
      `{"type":"message_delta","delta":{"stop_reason":${reason},"stop_sequence":${sequence}},` +
      `"usage":${messageUsage(this.#completionTokens, usage, settings)}}`;
    return this.#closeBlock() + namedSseEvent("message_delta", delta) + MESSAGE_STOP;
  }

  error(error: ApiError): string {
    return namedSseEvent("error", messageStreamErrorText(error));
  }

  #begin(): string {
    if (this.#hasBegun) return "";
    this.#hasBegun = true;
    const { identity } = this.#options;
    return namedSseEvent(
      "message_start",
      `{"type":"message_start","message":{"id":${quoteJson(identity.id)},"type":"message","role":"assistant",` +
        `"content":[],"model":${quoteJson(identity.model)},"stop_reason":null,"stop_sequence":null,` +
        `"usage":{"input_tokens":${this.#promptTokens},"output_tokens":0}}}`,
    );
  }

  #finishReason(): string {
    const reason = this.#finish?.reason ?? "stop";
    return this.#isCallSeen && !this.#isNamed && reason === "stop" ? "tool_calls" : reason;
  }

  #delta(delta: OutputDelta): string {
    let text = "";
    if (delta.reasoning !== undefined && delta.reasoning !== null && delta.reasoning !== "") {
      text += this.#reasoning(delta.reasoning);
    }
    if (delta.content !== undefined && delta.content !== null) text += this.#content(delta.content);
    for (const call of delta.toolCalls ?? []) {
      this.#isCallSeen = true;
      // One call only: vLLM drops the others from every chunk.
      if (this.#options.request.parallelToolCalls !== false || call.index === 0) text += this.#call(call);
    }
    return text;
  }

  #reasoning(reasoning: string): string {
    const open =
      this.#block === "thinking" ? "" : this.#openBlock("thinking", '{"type":"thinking","thinking":""}');
    return `${open}${DELTA}"thinking_delta","thinking":${quoteJson(reasoning)}}${this.#blockTail}`;
  }

  #content(content: string): string {
    if (content === "") return "";
    if (this.#block === "tool_use") {
      this.#heldText += content;
      return "";
    }
    const open = this.#block === "text" ? "" : this.#openBlock("text", '{"type":"text","text":""}');
    return `${open}${DELTA}"text_delta","text":${quoteJson(content)}}${this.#blockTail}`;
  }

  #call(call: ToolCallDelta): string {
    let text = "";
    let id = this.#callIds.get(call.index);
    if (call.id !== undefined && call.id !== null) {
      id = call.id;
      this.#callIds.set(call.index, id);
      if (this.#openCallId !== id && call.name !== undefined && call.name !== null) {
        this.#isToolUsed = true;
        this.#arguments = "";
        const block = `{"type":"tool_use","id":${quoteJson(id)},"name":${quoteJson(call.name)},"input":{}}`;
        text = this.#openBlock("tool_use", block);
        this.#openCallId = id;
      }
    }
    const part = call.arguments ?? "";
    if (part === "" || id === undefined || this.#openCallId !== id) return text;
    this.#arguments += part;
    return `${text}${DELTA}"input_json_delta","partial_json":${quoteJson(part)}}${this.#blockTail}`;
  }

  #openBlock(kind: "text" | "thinking" | "tool_use", block: string): string {
    const close = this.#closeBlock();
    this.#block = kind;
    this.#blockTail = `,"index":${this.#blockIndex}}\n\n`;
    const start = `{"type":"content_block_start","content_block":${block}${this.#blockTail.trimEnd()}`;
    return close + namedSseEvent("content_block_start", start);
  }

  /** Ends the open block, then tells the text that waited for its end. */
  #closeBlock(): string {
    if (this.#block === undefined) return "";
    let text = "";
    if (this.#block === "thinking") {
      const signature = quoteJson(thinkingSignature(this.#options.randomId));
      text = `${DELTA}"signature_delta","signature":${signature}}${this.#blockTail}`;
    }
    text += `${BLOCK_STOP}${this.#blockIndex}}\n\n`;
    this.#block = undefined;
    this.#openCallId = undefined;
    this.#blockIndex += 1;
    const held = this.#heldText;
    this.#heldText = "";
    return held === "" ? text : text + this.#content(held) + this.#closeBlock();
  }
}

function isJson(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch {
    return false;
  }
}
