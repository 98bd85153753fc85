import { strip } from "../../template/python/whitespace.ts";
import { isBlank } from "../blank.ts";
import { callArguments, callStart, type DeltaDraft, type ToolCallDraft } from "../delta-draft.ts";
import type { OutputParserContext, ParsedToolCall } from "../output-parser.ts";
import type { ExtractedReasoning } from "../reasoning-parser.ts";
import { callId } from "../tool-call-id.ts";
import type { ExtractedToolCalls } from "../tool-parser.ts";
import { propertiesOf } from "../typed-arguments.ts";
import { textKeys } from "./argument-prefix.ts";
import { ArgumentStream } from "./argument-stream.ts";
import { readCallObject, type NamedArguments } from "./call-object.ts";
import { type CallSlot, emptySlot, mergedByCall } from "./call-slot.ts";
import { FormatMachine } from "./format-machine.ts";
import type { FormatEvent, OutputFormat } from "./output-format.ts";
import { type PreparedFormat, prepareFormat } from "./prepared-format.ts";
import { endsReasoning, idsOfContent } from "./reasoning-ids.ts";

const NAME_MEMBER = /"name"\s*:\s*"([^"]*)"/;

/** Which pass an {@link EngineParser} makes. */
export interface EnginePass {
  /** Marks of calls are plain text. */
  readonly skipTools: boolean;
  /** Marks of reasoning are plain text. */
  readonly skipReasoning: boolean;
}

/** Turns what a {@link FormatMachine} says into deltas and whole outputs. Families that need more than a format extend it. */
export class EngineParser {
  protected readonly context: OutputParserContext;
  protected readonly format: PreparedFormat;
  protected slots: CallSlot[] = [];
  /** The reasoning has ended, or there is none. */
  protected reasoningOver: boolean;
  private readonly pass: EnginePass;
  private readonly argumentStream: ArgumentStream;
  private machine: FormatMachine;
  private heldContent = "";
  private heldReasoning = "";
  private hadContent = false;
  private madeIds = 0;

  constructor(format: OutputFormat, context: OutputParserContext, pass: EnginePass) {
    this.context = context;
    this.pass = pass;
    this.format = prepareFormat(format, context.tokenizer);
    this.argumentStream = new ArgumentStream(format, context.tools);
    this.reasoningOver = !this.format.hasReasoning;
    this.machine = this.makeMachine();
  }

  /** Whether the reasoning is over for the one who runs this parser. */
  get confirmsReasoningEnd(): boolean {
    return this.reasoningOver;
  }

  /** Tokens of reasoning so far. */
  get reasoningTokens(): number {
    return this.machine.reasoningTokens;
  }

  /** Begins anew. */
  restart(initialState?: "content"): void {
    this.machine = this.makeMachine(initialState);
    this.reasoningOver = !this.format.hasReasoning;
    this.slots = [];
    this.heldContent = "";
    this.heldReasoning = "";
    this.hadContent = false;
  }

  /** The next output of a stream. */
  stream(text: string, tokenIds: readonly number[]): DeltaDraft | undefined {
    return this.trimReasoning(this.toDelta(this.machine.feed(text, tokenIds), false));
  }

  /** The end of a stream. */
  finish(): DeltaDraft | undefined {
    const events = this.machine.finish();
    return events.length > 0 || this.heldContent !== "" ? this.toDelta(events, true) : undefined;
  }

  /** Reads a whole text with its ids, for the count of reasoning tokens. */
  readWhole(text: string, tokenIds: readonly number[]): void {
    this.restart();
    this.machine.feed(text, tokenIds);
    this.machine.finish();
  }

  /** Takes reasoning and the rest of a whole text apart. */
  extractReasoning(text: string): ExtractedReasoning {
    this.restart();
    let reasoning = "";
    let content = "";
    for (const event of this.wholeEvents(text)) {
      if (event.kind === "reasoning") reasoning += event.value;
      else if (event.kind === "text") content += event.value;
      else if (event.kind === "reasoning-end") this.reasoningOver = true;
    }
    if (this.trimsReasoning) reasoning = strip(reasoning, "right");
    return { reasoning: orNull(reasoning), content: orNull(content) };
  }

  /** Calls of a whole text from which reasoning has been taken out. */
  extractCalls(text: string): ExtractedToolCalls {
    this.restart("content");
    const delta = this.toDelta(this.wholeEvents(text), true);
    const toolCalls = this.wholeCalls();
    const toolsCalled = toolCalls.length > 0;
    const content = delta?.content ?? "";
    return {
      toolsCalled,
      toolCalls,
      content: orNull(toolsCalled ? this.contentBesideCalls(content) : content),
    };
  }

  /** See {@link ReasoningParser.isReasoningEnd}. */
  isReasoningEnd(tokenIds: ArrayLike<number>): boolean {
    return endsReasoning(this.format, tokenIds);
  }

  /** See {@link ReasoningParser.contentTokenIds}. */
  contentTokenIds(tokenIds: readonly number[]): readonly number[] {
    return idsOfContent(this.format, tokenIds);
  }

  /** Text that becomes content as well when the sequence ends inside the reasoning. */
  fallbackContent(): string | undefined {
    return undefined;
  }

  /** The name a header of a call gives, and its id where the model writes one. */
  protected nameOf(header: string): { readonly name: string; readonly id?: string } | undefined {
    return { name: header };
  }

  /** JSON of complete arguments where the format has no way to make it. */
  protected plainArguments(raw: string): string {
    return this.nameAndArguments(raw).json;
  }

  /** Whether a call whose name is empty is one. */
  protected get namesMayBeEmpty(): boolean {
    return false;
  }

  /** The name in the arguments of a call that has none before them. */
  protected embeddedName(raw: string): string | undefined {
    return NAME_MEMBER.exec(raw)?.[1];
  }

  /** What a piece of arguments gives with which the name became known; nothing by default: it comes with the next piece. */
  protected firstArguments(_piece: string): string | undefined {
    return undefined;
  }

  /** Makes a delta of what the machine said. */
  protected toDelta(events: readonly FormatEvent[], finished: boolean): DeltaDraft | undefined {
    if (events.length === 0 && this.heldContent === "") return undefined;
    const carried = this.heldContent;
    const pieces: ToolCallDraft[] = [];
    let content = "";
    let reasoning = "";
    let called = false;
    for (const event of events) {
      if (event.kind === "reasoning") reasoning += event.value;
      else if (event.kind === "reasoning-end") this.reasoningOver = true;
      else if (event.kind === "text") {
        if (called) this.heldContent += event.value;
        else content += event.value;
      } else if (event.kind !== "reasoning-start" && !this.suppressesCalls) {
        called = true;
        this.takeCallEvent(event, pieces);
      }
    }
    const toolCalls = pieces.length > 1 ? mergedByCall(pieces) : pieces;
    if (this.heldContent !== "" && (!called || toolCalls.length === 0)) {
      content = carried + content + this.heldContent.slice(carried.length);
      this.heldContent = "";
    }
    content = this.holdBlank(content, finished);
    if (content === "" && reasoning === "" && toolCalls.length === 0) return undefined;
    return {
      content: content === "" ? undefined : content,
      reasoning: reasoning === "" ? undefined : reasoning,
      toolCalls: toolCalls.length === 0 ? undefined : toolCalls,
    };
  }

  private get suppressesCalls(): boolean {
    return !this.pass.skipTools && this.context.toolChoice === "none" && this.context.tools.length > 0;
  }

  private get trimsReasoning(): boolean {
    return this.format.source.trimsReasoning !== false;
  }

  private makeMachine(initialState?: "content"): FormatMachine {
    const machine = new FormatMachine(this.format, this.context.tokenizer, initialState);
    machine.modes.skipTools = this.pass.skipTools;
    machine.modes.skipReasoning = this.pass.skipReasoning;
    return machine;
  }

  private wholeEvents(text: string): readonly FormatEvent[] {
    const events = this.machine.feed(text, []);
    events.push(...this.machine.finish());
    return events;
  }

  /** White space at the start waits for what follows, and is dropped in front of calls. */
  private holdBlank(content: string, finished: boolean): string {
    if (this.hadContent || content === "") return content;
    if (!isBlank(content)) {
      this.hadContent = true;
      return content;
    }
    if (this.slots.length > 0) return "";
    if (finished) return content;
    this.heldContent = content;
    return "";
  }

  /** White space at the end of the reasoning waits until it is known whether more follows. */
  private trimReasoning(delta: DeltaDraft | undefined): DeltaDraft | undefined {
    if (!this.trimsReasoning) return delta;
    if (delta?.reasoning !== undefined && delta.reasoning !== null) {
      const all = this.heldReasoning + delta.reasoning;
      const trimmed = strip(all, "right");
      this.heldReasoning = all.slice(trimmed.length);
      delta.reasoning = orNull(trimmed);
      const silent =
        trimmed === "" && (delta.content ?? null) === null && (delta.toolCalls ?? []).length === 0;
      return silent ? undefined : delta;
    }
    if (this.reasoningOver) this.heldReasoning = "";
    return delta;
  }

  private takeCallEvent(event: FormatEvent, pieces: ToolCallDraft[]): void {
    while (this.slots.length <= event.call) this.slots.push(emptySlot());
    const slot = this.slots[event.call];
    if (slot === undefined) return;
    if (event.kind === "call-name") slot.name += event.value;
    else if (event.kind === "call-arguments") this.takeArguments(event, slot, pieces);
    else if (event.kind === "call-end") this.endCall(event.call, slot, pieces);
  }

  private takeArguments(event: FormatEvent, slot: CallSlot, pieces: ToolCallDraft[]): void {
    const { call, value } = event;
    slot.raw += value;
    if (slot.nameSent) {
      const text = value === "" ? undefined : this.argumentStream.add(slot, value);
      if (text !== undefined && text !== "") pieces.push(callArguments(call, text));
      return;
    }
    const isEmbedded = slot.name === "" && value !== "";
    const header = isEmbedded ? this.embeddedName(slot.raw) : slot.name;
    const isKnown = header !== undefined && (header !== "" || (isEmbedded && this.namesMayBeEmpty));
    if (!isKnown || !this.acceptName(slot, header)) return;
    pieces.push(callStart(call, slot.id, slot.name));
    const first = value === "" ? undefined : this.firstArguments(value);
    if (first !== undefined) pieces.push(callArguments(call, first));
  }

  private endCall(call: number, slot: CallSlot, pieces: ToolCallDraft[]): void {
    if (!slot.nameSent) this.readHeader(slot);
    let rest = this.argumentStream.end(slot);
    if (!slot.nameSent) {
      const header = slot.name === "" ? (this.embeddedName(slot.raw) ?? "") : slot.name;
      if (this.markNamed(slot, header)) {
        pieces.push({ index: call, id: slot.id, name: slot.name, arguments: rest ?? "" });
        rest = undefined;
      }
    }
    if (rest !== undefined && rest !== "" && slot.nameSent) pieces.push(callArguments(call, rest));
  }

  /** Takes a header that is complete because the call ended. */
  private readHeader(slot: CallSlot): void {
    const named = this.nameOf(slot.name);
    if (named === undefined) return;
    if (named.id !== undefined) slot.id = named.id;
    slot.name = named.name;
  }

  private acceptName(slot: CallSlot, header: string): boolean {
    const named = this.nameOf(header);
    if (named === undefined) {
      slot.name = "";
      return false;
    }
    if (named.id !== undefined) slot.id = named.id;
    return this.markNamed(slot, named.name);
  }

  private markNamed(slot: CallSlot, name: string): boolean {
    if (!this.isTool(name)) return false;
    slot.name = name;
    slot.nameSent = true;
    slot.textKeys = textKeys(propertiesOf(this.context.tools, name));
    this.giveId(slot, name);
    return true;
  }

  private isTool(name: string): boolean {
    if (name === "") return this.namesMayBeEmpty;
    const { tools } = this.context;
    return (
      this.format.source.checksNames !== true ||
      tools.length === 0 ||
      tools.some((tool) => tool.name === name)
    );
  }

  /** Gives a call its id, if it has none. */
  protected giveId(slot: CallSlot, name: string): void {
    if (slot.id === "") slot.id = callId(this.context, name, this.madeIds++);
  }

  private contentBesideCalls(content: string): string {
    if (this.format.source.trimsContentWithCalls !== false) return strip(content, "both");
    return isBlank(content) ? "" : content;
  }

  private wholeCalls(): readonly ParsedToolCall[] {
    const calls: ParsedToolCall[] = [];
    for (const slot of this.slots) {
      if (slot.name === "" && slot.raw === "") continue;
      let name = strip(slot.name, "both");
      let json = "{}";
      if (!isBlank(slot.raw)) {
        if (name === "") ({ name, json } = this.nameAndArguments(slot.raw));
        else json = this.format.source.toArguments?.(slot.raw, false) ?? this.plainArguments(slot.raw);
      }
      if (!this.isTool(name)) continue;
      this.giveId(slot, name);
      calls.push({ id: slot.id, name, arguments: this.argumentStream.typed(json, name) });
    }
    return calls;
  }

  /** Name and arguments of a call that has no name before them. */
  protected nameAndArguments(raw: string): NamedArguments {
    return readCallObject(raw);
  }
}

function orNull(text: string): string | null {
  return text === "" ? null : text;
}
