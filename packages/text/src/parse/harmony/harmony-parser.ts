import { dumpJson, PLAIN_JSON } from "../../template/python/json-dump.ts";
import { parseJson } from "../../template/python/parse-json.ts";
import { TextError } from "../../text-error.ts";
import { gptOssReasoning, gptOssTools } from "../families/gpt-oss.ts";
import type { ParserFamilies } from "../delegating-parser.ts";
import { callArguments, type DeltaDraft, type ToolCallDraft } from "../delta-draft.ts";
import type {
  OutputDelta,
  OutputParser,
  OutputParserContext,
  ParsedOutput,
  ParsedToolCall,
} from "../output-parser.ts";
import { randomCallId } from "../tool-call-id.ts";
import type { HarmonyHeader } from "./harmony-header.ts";
import { harmonyRecipient } from "./harmony-reader.ts";
import {
  HarmonyMessageParser,
  harmonyTokens,
  type HarmonyMessage,
  type HarmonyTokens,
} from "./message-parser.ts";

const FUNCTIONS = "functions.";
/** Recipients that are no functions of the request: the tools the models were trained with, and the model itself. */
const OTHER_RECIPIENTS = new Set(["python", "browser", "container"]);
const ASCII_JSON = { ...PLAIN_JSON, ensureAscii: true };

type Kind = "call" | "reasoning" | "content" | "ignored";

/**
 * Takes Harmony output apart: messages on the channel `analysis` are reasoning, on `final` (and on `commentary` to nobody)
 * content, and messages to a function are calls, on whatever channel. Reads the tokens alone, and looks for calls and
 * reasoning where their families run.
 * @throws TextError `parser_unsupported` where the tokenizer is not that of gpt-oss, or the families are others
 */
export function createHarmonyParser(families: ParserFamilies, context: OutputParserContext): OutputParser {
  const isOther =
    (families.tool !== undefined && families.tool !== gptOssTools) ||
    (families.reasoning !== undefined && families.reasoning !== gptOssReasoning);
  if (isOther)
    throw new TextError("parser_unsupported", "Harmony requires the parsers openai and openai_gptoss");
  return new HarmonyParser(families, context);
}

/** What one token adds. */
interface Segment {
  readonly kind: Kind;
  readonly recipient: string | undefined;
  readonly text: string;
}

class HarmonyParser implements OutputParser {
  private readonly context: OutputParserContext;
  private readonly tokens: HarmonyTokens;
  private readonly hasTools: boolean;
  private readonly hasReasoning: boolean;
  private readonly messages: HarmonyMessageParser;
  /** Tokens of the message that is open, with its header. */
  private openIds: number[] = [];
  private countedTokens = 0;
  private nextCall = 0;

  constructor(families: ParserFamilies, context: OutputParserContext) {
    this.context = context;
    this.tokens = harmonyTokens(context.tokenizer);
    this.hasTools = families.tool !== undefined;
    this.hasReasoning = families.reasoning !== undefined;
    this.messages = new HarmonyMessageParser(context.tokenizer, this.tokens);
  }

  get promptEndsReasoning(): boolean | undefined {
    return this.hasReasoning ? true : undefined;
  }

  reasoningTokens(): number | undefined {
    return this.hasReasoning ? this.countedTokens : undefined;
  }

  push(_text: string, tokenIds: readonly number[], finished: boolean): OutputDelta | undefined {
    const delta: DeltaDraft = { content: undefined, reasoning: undefined, toolCalls: undefined };
    let recipient = harmonyRecipient(this.messages.header);
    for (const tokenId of tokenIds) {
      const result = this.take(tokenId);
      if (typeof result === "object") recipient = undefined;
      else if (result) recipient = this.tell(this.segment(), recipient, delta);
    }
    if (finished && this.messages.end() === false) {
      this.tell({ kind: "content", recipient: undefined, text: this.openText() }, recipient, delta);
    }
    return this.shown(delta);
  }

  parse(_text: string, tokenIds: readonly number[]): ParsedOutput {
    const messages: HarmonyMessage[] = [];
    for (const tokenId of tokenIds) {
      const result = this.take(tokenId);
      if (typeof result === "object") messages.push(result);
    }
    const last = this.messages.end();
    if (typeof last === "object") messages.push(last);
    else if (!last) messages.push({ ...FINAL, text: this.openText() });
    return this.collect(messages);
  }

  private take(tokenId: number): HarmonyMessage | boolean {
    const result = this.messages.push(tokenId);
    if (typeof result === "object") this.openIds = [];
    else if (result) this.openIds.push(tokenId);
    if (result !== false && tokenId < this.tokens.firstSpecial) {
      const { header } = this.messages;
      const isReasoning =
        header?.channel === "analysis" ||
        (header?.channel === "commentary" && harmonyRecipient(header) !== undefined);
      if (isReasoning) this.countedTokens++;
    }
    return result;
  }

  private segment(): Segment {
    const { header, lastPiece } = this.messages;
    return { kind: kindOf(header), recipient: harmonyRecipient(header), text: lastPiece };
  }

  /** The tokens of a message whose header never ended, as text. */
  private openText(): string {
    return this.context.tokenizer.decode(this.openIds, { skipSpecialTokens: false });
  }

  /** Adds what a token says to the delta. @returns whom the call being told goes to */
  private tell(segment: Segment, before: string | undefined, delta: DeltaDraft): string | undefined {
    const { kind, recipient, text } = segment;
    if (kind === "reasoning" && this.hasReasoning) delta.reasoning = (delta.reasoning ?? "") + text;
    if (kind === "content") delta.content = (delta.content ?? "") + text;
    if (kind !== "call" || !this.hasTools || recipient === undefined) return before;
    delta.toolCalls ??= [];
    if (recipient !== before) {
      const id = randomCallId(this.context);
      delta.toolCalls.push({ index: this.nextCall++, id, name: functionOf(recipient), arguments: text });
      return recipient;
    }
    const open: ToolCallDraft | undefined = delta.toolCalls.at(-1);
    if (text === "") return before;
    if (open === undefined) delta.toolCalls.push(callArguments(this.nextCall - 1, text));
    else open.arguments = (open.arguments ?? "") + text;
    return before;
  }

  private shown(delta: DeltaDraft): OutputDelta | undefined {
    if (delta.content === "") delta.content = undefined;
    if (delta.reasoning === "") delta.reasoning = undefined;
    if (delta.toolCalls?.length === 0) delta.toolCalls = undefined;
    const isSilent = delta.content === undefined && delta.toolCalls === undefined;
    if (!this.context.includeReasoning) {
      delta.reasoning = null;
      return isSilent ? undefined : delta;
    }
    return isSilent && delta.reasoning === undefined ? undefined : delta;
  }

  private collect(messages: readonly HarmonyMessage[]): ParsedOutput {
    const reasoning: string[] = [];
    const content: string[] = [];
    const toolCalls: ParsedToolCall[] = [];
    for (const message of messages) {
      if (message.role !== "assistant") continue;
      const kind = kindOf(message);
      const recipient = harmonyRecipient(message);
      if (kind === "reasoning" && this.hasReasoning && message.text !== "") reasoning.push(message.text);
      if (kind === "content" && message.text !== "") content.push(message.text);
      if (kind === "call" && this.hasTools && recipient !== undefined) {
        toolCalls.push({ id: undefined, name: functionOf(recipient), arguments: argumentsOf(message) });
      }
    }
    const isShown = this.context.includeReasoning && reasoning.length > 0;
    return {
      reasoning: isShown ? reasoning.join("\n") : null,
      content: content.length === 0 ? null : content.join("\n"),
      toolCalls: toolCalls.length === 0 ? null : toolCalls,
    };
  }
}

const FINAL: HarmonyHeader = {
  role: "assistant",
  channel: "final",
  recipient: undefined,
  contentType: undefined,
};

function kindOf(header: HarmonyHeader | undefined): Kind {
  const recipient = harmonyRecipient(header);
  if (recipient !== undefined && isFunction(recipient)) return "call";
  if (header?.channel === "analysis") return "reasoning";
  const isContent =
    header?.channel === "final" || (header?.channel === "commentary" && recipient === undefined);
  return isContent ? "content" : "ignored";
}

function isFunction(recipient: string): boolean {
  if (recipient === "" || recipient.startsWith("<|") || recipient === "assistant") return false;
  if (recipient.startsWith(FUNCTIONS)) return recipient.length > FUNCTIONS.length;
  return !OTHER_RECIPIENTS.has(recipient.split(".", 1)[0] ?? "");
}

function functionOf(recipient: string): string {
  return recipient.startsWith(FUNCTIONS) ? recipient.slice(FUNCTIONS.length) : recipient;
}

/** Arguments written anew where they are JSON, other than elsewhere with everything outside ASCII escaped. */
function argumentsOf(message: HarmonyMessage): string {
  if (message.contentType !== undefined && !message.contentType.includes("json")) return message.text;
  const value = parseJson(message.text);
  return value === undefined ? message.text : dumpJson(value, ASCII_JSON);
}
