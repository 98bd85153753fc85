import { isSpaceUnit, strip } from "../../template/python/whitespace.ts";

/**
 * How a JSON value that may be cut short ends: `end` is where the text to keep stops, `completion` what has to follow to
 * make it whole. A completion of `null` means that the value was whole.
 */
export interface PartialValue {
  readonly end: number;
  readonly completion: string | null;
}

/** The text ended where a character was needed. Containers around it close; nothing else can. */
const ENDED = Symbol("ended");
/** Not JSON, whatever may follow. */
const MALFORMED = Symbol("malformed");
/** Cut short where the allowed completions cannot make it whole: the container around it drops it. */
const INCOMPLETE = Symbol("incomplete");

type Scan = PartialValue | typeof ENDED | typeof MALFORMED | typeof INCOMPLETE;

const NUMBER_CHARACTERS = "1234567890.-+eE";
const NUMBER_TAIL = ".-+eE";
/** Escapes that can be cut short, and how far from the end they can begin then. */
const ESCAPE_REACHES = [
  ["\\u", 5],
  ["\\U", 9],
  ["\\x", 3],
] as const;
const LITERALS = ["null", "true", "false", "Infinity"] as const;

/**
 * Head and completion of the JSON value that a text starts with, or undefined for what no completion makes JSON.
 *
 * White space before the value shifts the head: the value is measured without it and cut out with it. That is what the
 * library behind vLLM does, and the parse that follows then fails as it does there.
 *
 * @param keepOpenStrings false cuts a string that is still open instead of closing it
 */
export function completeValue(
  text: string,
  keepOpenStrings: boolean,
): readonly [head: string, tail: string] | undefined {
  const trimmed = strip(text, "both");
  const result = new PartialReader(trimmed, keepOpenStrings).value(0, true);
  if (typeof result === "symbol") return undefined;
  return [text.slice(0, result.end), result.completion ?? ""];
}

class PartialReader {
  private readonly text: string;
  private readonly keepOpenStrings: boolean;

  constructor(text: string, keepOpenStrings: boolean) {
    this.text = text;
    this.keepOpenStrings = keepOpenStrings;
  }

  /** The value at `start`, where no white space stands. Ends are positions in the whole text. */
  value(start: number, isTopLevel: boolean): Scan {
    const { text } = this;
    if (start >= text.length) return ENDED;
    const character = text.charAt(start);
    if (character === '"') return this.string(start);
    if (character >= "0" && character <= "9") return this.number(start, isTopLevel);
    if (character === "[") return this.container(start, "]");
    if (character === "{") return this.container(start, "}");
    for (const literal of LITERALS) {
      const found = this.literal(literal, start);
      if (found !== undefined) return found;
    }
    if (character === "-") {
      if (start + 1 === text.length) return INCOMPLETE;
      if (text.charAt(start + 1) !== "I") return this.number(start, isTopLevel);
    }
    return this.literal("-Infinity", start) ?? this.literal("NaN", start) ?? MALFORMED;
  }

  /** A string, a key's too. */
  string(start: number): Scan {
    const { text } = this;
    if (text.charAt(start) !== '"') return MALFORMED;
    let index = start + 1;
    while (index < text.length) {
      const unit = text.charCodeAt(index);
      if (unit === 0x22) return { end: index + 1, completion: null };
      if (unit === 0x5c) {
        if (index + 1 === text.length) break;
        index++;
      }
      index++;
    }
    if (!this.keepOpenStrings) return INCOMPLETE;
    return { end: this.beforeOpenEscape(start, index), completion: '"' };
  }

  /** Where an escape that the text cuts short begins, else `end`. */
  private beforeOpenEscape(start: number, end: number): number {
    for (const [prefix, reach] of ESCAPE_REACHES) {
      const from = Math.max(start, end - reach);
      const found = this.text.slice(from, end).lastIndexOf(prefix);
      if (found !== -1 && !isEscaped(this.text, from + found)) return from + found;
    }
    return end;
  }

  private number(start: number, isTopLevel: boolean): Scan {
    const { text } = this;
    let end = start + 1;
    while (end < text.length && NUMBER_CHARACTERS.includes(text.charAt(end))) end++;
    const forward = end;
    while (end > start && NUMBER_TAIL.includes(text.charAt(end - 1))) end--;
    if (end === start) return ENDED;
    if (end !== forward || (end === text.length && !isTopLevel)) return { end, completion: "" };
    return { end, completion: null };
  }

  private literal(literal: string, start: number): Scan | undefined {
    const { text } = this;
    if (text.startsWith(literal, start)) return { end: start + literal.length, completion: null };
    return literal.startsWith(text.slice(start)) ? { end: start, completion: literal } : undefined;
  }

  private container(start: number, close: "]" | "}"): Scan {
    const { text } = this;
    let kept = start + 1;
    let index = kept;
    for (;;) {
      index = this.skipSpace(index);
      if (text.charAt(index) === close) return { end: index + 1, completion: null };
      if (close === "}") {
        const key = this.keyWithColon(index);
        if (key === MALFORMED) return MALFORMED;
        if (key === ENDED) return { end: kept, completion: close };
        index = key;
      }
      const item = this.value(index, false);
      if (item === MALFORMED) return MALFORMED;
      if (typeof item === "symbol") return { end: kept, completion: close };
      if (item.completion !== null) return { end: item.end, completion: item.completion + close };
      kept = item.end;
      index = this.skipSpace(kept);
      if (index >= text.length) return { end: kept, completion: close };
      const follower = text.charAt(index);
      if (follower === close) return { end: index + 1, completion: null };
      if (follower !== ",") return MALFORMED;
      index++;
    }
  }

  /** Where the value of an object's entry begins. */
  private keyWithColon(start: number): number | typeof MALFORMED | typeof ENDED {
    if (start >= this.text.length) return ENDED;
    const key = this.string(start);
    if (key === MALFORMED) return MALFORMED;
    if (typeof key === "symbol" || key.completion !== null) return ENDED;
    const colon = this.skipSpace(key.end);
    if (colon >= this.text.length) return ENDED;
    return this.text.charAt(colon) === ":" ? this.skipSpace(colon + 1) : MALFORMED;
  }

  private skipSpace(start: number): number {
    let index = start;
    while (index < this.text.length && isSpaceUnit(this.text.charCodeAt(index))) index++;
    return index;
  }
}

/** Whether an odd number of backslashes stands before a position. */
export function isEscaped(text: string, index: number): boolean {
  let start = index;
  while (start > 0 && text.charCodeAt(start - 1) === 0x5c) start--;
  return (index - start) % 2 === 1;
}
