import type { TemplateValue } from "../../template/template-value.ts";
import type { CallProgress } from "./call-progress.ts";
import { argumentsText, type JsonMap } from "./json-value.ts";
import { commonPrefix } from "./text-difference.ts";
import { removableSpan, type Span } from "./removable-span.ts";

/** Beyond this many units a text is shortened, or beyond twice what was left of it. */
const LONGEST = 448;
/** Units at the end that stay: what decides about the next piece is in them. */
const KEPT_TAIL = 160;
/** One of these behind the cut keeps comparisons of two ends from reaching it. */
const ALPHANUMERIC = /[\p{L}\p{N}]/u;

interface TwoForms {
  readonly before: readonly (JsonMap | undefined)[];
  readonly after: readonly (JsonMap | undefined)[];
}

/** A part of the arguments that was left out, and where. */
interface Cut {
  readonly call: number;
  readonly start: number;
  readonly text: string;
}

/** Reads the calls of a text; undefined where there are none to be read. */
export type ReadCalls = (text: string) => readonly (JsonMap | undefined)[] | undefined;

/**
 * The text of calls that parsers read anew with each piece, kept short: what has been told of long strings and lists is left
 * out, of the text, of the calls read before and of the arguments told alike. All that is ever told is a difference between
 * these, so that it stays what it was, while a piece costs the same however long the call has become.
 *
 * A text is shortened only where reading both forms of it proves that they differ by nothing else. A call that names a member
 * a second time after that is told otherwise than vLLM tells it, which is from a wrong place.
 */
export class GrowingCalls {
  text = "";
  private limit = LONGEST;
  /** What was left out of the arguments told, in that order. */
  private readonly cuts: Cut[] = [];

  /** Adds a piece. */
  add(piece: string): void {
    this.text += piece;
  }

  /** To be called when a piece has been told. */
  shorten(read: ReadCalls, progress: CallProgress): void {
    if (this.text.length <= this.limit) return;
    const span = removableSpan(this.text, this.text.length - KEPT_TAIL);
    if (span !== undefined) {
      const short = this.text.slice(0, span.start) + this.text.slice(span.end);
      const before = read(this.text);
      const after = read(short);
      if (before !== undefined && after !== undefined && this.adopt({ before, after }, progress)) {
        this.text = short;
      }
    }
    this.limit = Math.max(LONGEST, this.text.length * 2);
  }

  /** Arguments of a call, or what was told of them, with everything that was left out. */
  restored(call: number, given: string): string {
    let whole = given;
    for (const cut of this.cuts.toReversed()) {
      if (cut.call === call) whole = whole.slice(0, cut.start) + cut.text + whole.slice(cut.start);
    }
    return whole;
  }

  /** Makes the shorter form the one that was told, where it is the same but for a part of the current call that was told. */
  private adopt({ before, after }: TwoForms, progress: CallProgress): boolean {
    const { current, previous } = progress;
    if (before.length !== after.length || before.length !== previous.length) return false;
    for (const [index, call] of before.entries()) {
      if (textOf(call) !== textOf(previous[index])) return false;
      if (index !== current && textOf(call) !== textOf(after[index])) return false;
    }
    if (restOf(before[current]) !== restOf(after[current])) return false;
    const long = textOf(argumentsOf(before[current]));
    const short = textOf(argumentsOf(after[current]));
    if (long !== short) {
      const told = progress.streamed[current];
      const cut = cutBetween(long, short);
      if (told === undefined || cut === undefined || !long.startsWith(told)) return false;
      const kept = told.slice(0, cut.start) + told.slice(cut.end);
      if (told.length < cut.end || !ALPHANUMERIC.test(kept.slice(cut.start))) return false;
      progress.streamed[current] = kept;
      this.cuts.push({ call: current, start: cut.start, text: long.slice(cut.start, cut.end) });
    }
    progress.previous = after;
    return true;
  }
}

/** What has to be cut out of one text to get the other. */
function cutBetween(long: string, short: string): Span | undefined {
  const start = commonPrefix(long, short).length;
  const end = start + long.length - short.length;
  return end > start && long.slice(0, start) + long.slice(end) === short ? { start, end } : undefined;
}

function argumentsOf(call: JsonMap | undefined): TemplateValue | undefined {
  return call?.get("arguments");
}

function restOf(call: JsonMap | undefined): string {
  return textOf(call && new Map([...call].filter(([key]) => key !== "arguments" && key !== "parameters")));
}

function textOf(value: TemplateValue | undefined): string {
  return value === undefined ? "" : argumentsText(value);
}
