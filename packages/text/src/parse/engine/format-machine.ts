import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { ArgumentBuffer } from "./argument-buffer.ts";
import { ListSplitter } from "./list-splitter.ts";
import { type Lexeme, MarkLexer } from "./mark-lexer.ts";
import {
  isToolState,
  type FormatEvent,
  type FormatEventKind,
  type FormatState,
  type Transition,
} from "./output-format.ts";
import type { PreparedFormat } from "./prepared-format.ts";
import { DROPPED, type ScannedItem, TokenScanner } from "./token-scanner.ts";

/** What plain text is in each state; where nothing is said it is dropped. */
const TEXT_KINDS: Readonly<Partial<Record<FormatState, FormatEventKind>>> = {
  content: "text",
  reasoning: "reasoning",
  "tool-name": "call-name",
  "tool-arguments": "call-arguments",
};

/** What the one who runs the machine leaves to others. */
export interface MachineModes {
  /** Marks of calls are plain text, and end the reasoning where they do: for a pass that looks for reasoning alone. */
  skipTools: boolean;
  /** Marks of reasoning are plain text: for servers without a reasoning parser. */
  skipReasoning: boolean;
}

/** Reads one sequence by a format and says what it sees. */
export class FormatMachine {
  readonly modes: MachineModes = { skipTools: false, skipReasoning: false };
  private readonly format: PreparedFormat;
  private readonly scanner: TokenScanner;
  private readonly lexer: MarkLexer;
  private readonly argumentBuffer = new ArgumentBuffer();
  private readonly list = new ListSplitter();
  private state: FormatState;
  private call = -1;
  /** In a pass without calls: inside one that is passed over. */
  private inSkippedCall = false;
  /** From the first token id on, marks that are tokens count only as tokens. */
  private hadTokenIds = false;
  private countedTokens = 0;
  private events: FormatEvent[] = [];

  constructor(format: PreparedFormat, tokenizer: Tokenizer, initialState?: FormatState) {
    this.format = format;
    this.state = initialState ?? format.initialState;
    this.scanner = new TokenScanner(format.tokens, tokenizer);
    this.lexer = new MarkLexer(format.markTable);
  }

  /** Tokens that were reasoning so far. */
  get reasoningTokens(): number {
    return this.countedTokens;
  }

  /** Takes one output. The list is the caller's. */
  feed(text: string, tokenIds: readonly number[]): FormatEvent[] {
    if (tokenIds.length > 0) this.hadTokenIds = true;
    if (this.isPlain(text, tokenIds)) this.plainText(text, tokenIds.length);
    else this.takeItems(this.scanner.scan(text, tokenIds));
    return this.takeEvents();
  }

  /** Ends the sequence: what is held back is given out, and what is open is closed. */
  finish(): FormatEvent[] {
    this.takeItems(this.scanner.flush());
    this.takeLexemes(this.lexer.flush());
    const { source } = this.format;
    const held = source.listBody === true ? this.list.takeHeld() : this.argumentBuffer.takeHeld();
    if (held !== "") this.say("call-arguments", held);
    if (isToolState(this.state)) {
      const isOpen = source.listBody !== true || this.list.isOpen;
      if (isOpen && this.call >= 0) this.say("call-end", "");
    } else if (this.state === "reasoning") this.say("reasoning-end", "");
    this.state = "content";
    return this.takeEvents();
  }

  /** Text without a mark or a beginning of one, while nothing is held back. */
  private isPlain(text: string, tokenIds: readonly number[]): boolean {
    return (
      text !== "" &&
      !this.lexer.isHolding &&
      !this.scanner.isWaiting &&
      this.format.markTable.firstCandidate(text) === -1 &&
      !this.scanner.hasMark(tokenIds)
    );
  }

  private takeEvents(): FormatEvent[] {
    const { events } = this;
    this.events = [];
    for (const event of events) if (event.kind === "reasoning") this.countedTokens += event.tokenCount;
    return events;
  }

  private say(kind: FormatEventKind, value: string, tokenCount = 0): void {
    this.events.push({ kind, value, call: this.call, tokenCount });
  }

  private takeItems(items: readonly ScannedItem[]): void {
    for (const item of items) {
      if (item.mark !== undefined) {
        this.takeLexemes(this.lexer.flush());
        this.takeMark(item.mark, item.text, 0);
      } else if (item.text === "" && item.tokenCount > 0) this.plainText("", item.tokenCount);
      else this.takeLexemes(this.lexer.feed(item.text, item.tokenTexts, item.tokenCount));
    }
  }

  private takeLexemes(lexemes: readonly Lexeme[]): void {
    for (const { mark, text, tokenCount } of lexemes) {
      if (mark === undefined || (this.hadTokenIds && this.format.tokenMarks.has(mark))) {
        if (text !== "") this.plainText(text, tokenCount);
      } else this.takeMark(mark, text, tokenCount);
    }
  }

  private takeMark(mark: string, text: string, tokenCount: number): void {
    const { format, modes } = this;
    const transition = format.source.transitions.get(`${this.state} ${mark}`);
    if (transition === undefined) {
      if (mark === DROPPED) return;
      if (modes.skipTools && format.toolExitMarks.has(mark)) this.inSkippedCall = false;
      this.plainText(text, tokenCount);
    } else if (modes.skipReasoning && format.reasoningMarks.has(mark)) this.plainText(text, tokenCount);
    else if (modes.skipTools && this.belongsToSkippedCall(mark, transition)) this.passOver(transition, text);
    else this.apply(transition, text, tokenCount);
  }

  /** Whether a mark opens, goes on with or closes a call that is passed over. A lone closing mark does not. */
  private belongsToSkippedCall(mark: string, transition: Transition): boolean {
    if (!this.format.toolMarks.has(mark)) return false;
    const opens = isToolState(transition.next);
    const closes = this.format.toolExitMarks.has(mark);
    if (closes && !opens && !this.inSkippedCall) return false;
    if (opens || closes) this.inSkippedCall = opens;
    return true;
  }

  /** A mark of calls in a pass that looks for reasoning alone: it is text, but ends the reasoning where it does. */
  private passOver(transition: Transition, text: string): void {
    if (transition.events.includes("reasoning-end")) {
      this.state = "content";
      this.say("reasoning-end", text);
      this.say("text", text);
      return;
    }
    const kind = TEXT_KINDS[this.state];
    if (kind !== undefined) this.say(kind, text);
  }

  private apply(transition: Transition, text: string, tokenCount: number): void {
    if (this.state === "tool-arguments" && transition.next !== "tool-arguments") {
      const held = this.argumentBuffer.takeHeld();
      if (held !== "") this.say("call-arguments", held);
    }
    this.state = transition.next;
    for (const kind of transition.events) {
      if (kind === "call-start") this.call++;
      if (kind !== "text" || text !== "") this.say(kind, text, tokenCount);
    }
    if (this.state === "tool-arguments") {
      this.argumentBuffer.restart();
      this.list.restart();
    }
  }

  private plainText(text: string, tokenCount: number): void {
    const { source } = this.format;
    if (this.state === "tool-arguments" && source.listBody === true) {
      this.listText(text);
      return;
    }
    if (this.state === "tool-arguments" && source.jsonArguments) {
      const released = this.argumentBuffer.push(text);
      if (released !== "") this.say("call-arguments", released);
      return;
    }
    const kind = TEXT_KINDS[this.state];
    if (kind !== undefined) this.say(kind, text, tokenCount);
  }

  private listText(text: string): void {
    let at = 0;
    for (const character of text) {
      const events = this.list.push(character);
      if (typeof events === "string") {
        this.state = "content";
        this.list.restart();
        const rest = text.slice(events === "over" ? at + character.length : at);
        if (events === "not-a-list") {
          // The character that breaks the list and what follows it are told apart, as vLLM's engine does.
          this.plainText(character, 0);
          if (rest.length > character.length) this.plainText(rest.slice(character.length), 0);
        } else if (rest !== "") this.plainText(rest, 0);
        return;
      }
      for (const event of events) {
        if (event.kind === "start") this.call++;
        if (event.kind === "text") this.say("call-arguments", event.value);
        else this.say(event.kind === "start" ? "call-start" : "call-end", "");
      }
      at += character.length;
    }
  }
}
