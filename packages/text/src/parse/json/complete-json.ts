import { strip } from "../../template/python/whitespace.ts";
import { completeValue, isEscaped } from "./partial-value.ts";

interface Opening {
  readonly index: number;
  readonly character: "{" | "[";
}

/** What a pass over the quotes and brackets of a text finds. */
interface Outline {
  /** Containers still open, outermost first. */
  readonly open: readonly Opening[];
  readonly isInString: boolean;
  readonly lastStringStart: number;
  readonly lastStringEnd: number;
  /** The last quote or bracket, those inside strings included. */
  readonly lastMark: number;
}

/**
 * Makes JSON that may be cut short whole: open containers are closed and what cannot be completed is dropped, in the way of
 * the library that vLLM's parsers use, whose choices decide what a client sees of an unfinished call. The result is not
 * checked to be JSON; text after a whole value stays.
 *
 * @param keepOpenStrings false cuts a string that is still open (with its key) instead of closing it
 * @returns undefined where no completion makes it JSON
 */
export function completeJson(text: string, keepOpenStrings: boolean): string | undefined {
  const first = text.search(/["[\]{}]/);
  if (first < 0 || text.charAt(first) === '"') return joined("", completeValue(text, keepOpenStrings), "");
  const outline = readOutline(text);
  if (outline === undefined) return undefined;
  const top = outline.open.at(-1);
  if (top === undefined) return text;
  if (outline.isInString) {
    return keepOpenStrings ? closeString(text, outline, top) : cutString(text, outline, top);
  }
  if (outline.lastStringEnd < outline.lastStringStart) return undefined;
  return closeContainer({ text, outline, top, keepOpenStrings });
}

function readOutline(text: string): Outline | undefined {
  const open: Opening[] = [];
  let isInString = false;
  let lastStringStart = -1;
  let lastStringEnd = -1;
  let lastMark = -1;
  // Brackets in strings are passed over: behind a whole string its quote is the last mark, in an open one none counts.
  for (
    let index = nextMark(text, 0, isInString);
    index !== -1;
    index = nextMark(text, index + 1, isInString)
  ) {
    const character = text.charAt(index);
    lastMark = index;
    if (isInString) {
      if (isEscaped(text, index)) continue;
      isInString = false;
      lastStringEnd = index;
    } else if (character === '"') {
      isInString = true;
      lastStringStart = index;
    } else if (character === "{" || character === "[") {
      open.push({ index, character });
    } else if (open.pop()?.character !== (character === "}" ? "{" : "[")) {
      return undefined;
    }
  }
  return { open, isInString, lastStringStart, lastStringEnd, lastMark };
}

const MARK = /["[\]{}]/g;

/** The next quote, or outside of strings bracket, from a position on; -1 for none. */
function nextMark(text: string, from: number, isInString: boolean): number {
  if (isInString) return text.indexOf('"', from);
  MARK.lastIndex = from;
  return MARK.test(text) ? MARK.lastIndex - 1 : -1;
}

/** Drops an open string: an array's item, a key, or a value together with its key. */
function cutString(text: string, outline: Outline, top: Opening): string {
  const closing = closeAll(outline.open);
  if (top.index > outline.lastStringEnd && top.character === "{") {
    return text.slice(0, top.index + 1) + closing;
  }
  const comma = lastIndex(text, ",", [
    Math.max(top.index, outline.lastStringEnd) + 1,
    outline.lastStringStart,
  ]);
  if (comma !== -1) return text.slice(0, comma) + closing;
  let keyStart = outline.lastStringEnd;
  for (;;) {
    keyStart = lastIndex(text, '"', [top.index, keyStart]);
    if (keyStart === -1) return text.slice(0, top.index + 1) + closing;
    if (!isEscaped(text, keyStart)) break;
    keyStart--;
  }
  const before = lastIndex(text, ",", [top.index, keyStart]);
  return text.slice(0, before === -1 ? top.index + 1 : before) + closing;
}

/** Closes an open string, or drops it where it is a key. */
function closeString(text: string, outline: Outline, top: Opening): string | undefined {
  const { open, lastStringStart, lastStringEnd } = outline;
  if (lastStringEnd >= lastStringStart) return undefined;
  const asValue = (): string | undefined =>
    joined(text.slice(0, lastStringStart), completeValue(text.slice(lastStringStart), true), closeAll(open));
  if (top.character === "[") return asValue();
  const start = Math.max(lastStringEnd, top.index);
  const between = text.slice(start + 1, lastStringStart);
  if (between.includes(",")) {
    const comma = text.lastIndexOf(",", lastStringStart - 1);
    const rest = completeValue(`{${text.slice(comma + 1)}`, true);
    return rest && text.slice(0, comma) + rest[0].slice(1) + rest[1] + closeAll(open.slice(0, -1));
  }
  if (between.includes(":")) return asValue();
  return text.slice(0, lastStringStart) + closeAll(open);
}

interface OpenContainer {
  readonly text: string;
  readonly outline: Outline;
  readonly top: Opening;
  readonly keepOpenStrings: boolean;
}

/** Closes the containers of a text that ends outside a string. */
function closeContainer(container: OpenContainer): string | undefined {
  const { text, outline, top, keepOpenStrings } = container;
  const { open, lastStringStart, lastStringEnd, lastMark } = outline;
  const outer = closeAll(open.slice(0, -1));
  const trailingComma = lastIndex(text, ",", [Math.max(lastStringEnd, lastMark) + 1, text.length]);
  if (trailingComma !== -1) {
    if (strip(text.slice(trailingComma + 1), "both") === "")
      return text.slice(0, trailingComma) + closeAll(open);
    return top.character === "["
      ? closeAfterComma(container, trailingComma, { emptied: outer, kept: outer })
      : undefined;
  }
  const mark = text.charAt(lastMark);
  if (mark === "]" || mark === "}") {
    return strip(text.slice(lastMark + 1), "both") === "" ? text + closeAll(open) : undefined;
  }
  if (mark !== '"') {
    return joined(text.slice(0, lastMark), completeValue(text.slice(lastMark), keepOpenStrings), outer);
  }
  if (top.character === "[") return text + closeAll(open);
  const colon = lastIndex(text, ":", [lastStringEnd, text.length]);
  const comma = lastIndex(text, ",", [top.index + 1, lastStringStart]);
  if (comma === -1) {
    return joined(text.slice(0, top.index), completeValue(text.slice(top.index), keepOpenStrings), outer);
  }
  if (colon !== -1)
    return colon > comma ? closeAfterComma(container, comma, { emptied: outer, kept: outer }) : undefined;
  if (lastIndex(text, ":", [Math.max(top.index, comma) + 1, lastStringStart]) !== -1)
    return text + closeAll(open);
  return closeAfterComma(container, comma, { emptied: outer, kept: closeAll(open) });
}

/** Completes the entry after the last comma; where nothing of it is left, the comma goes too. */
function closeAfterComma(
  container: OpenContainer,
  comma: number,
  endings: { readonly emptied: string; readonly kept: string },
): string | undefined {
  const { text, top, keepOpenStrings } = container;
  const rest = completeValue(top.character + text.slice(comma + 1), keepOpenStrings);
  if (rest === undefined) return undefined;
  const [head, tail] = rest;
  if (head.slice(1) + strip(tail.slice(0, -1), "both") === "")
    return text.slice(0, comma) + tail + endings.emptied;
  return text.slice(0, comma + 1) + head.slice(1) + tail + endings.kept;
}

function joined(
  before: string,
  value: readonly [head: string, tail: string] | undefined,
  after: string,
): string | undefined {
  return value && before + value[0] + value[1] + after;
}

function closeAll(open: readonly Opening[]): string {
  let closing = "";
  for (let index = open.length - 1; index >= 0; index--) {
    closing += open[index]?.character === "{" ? "}" : "]";
  }
  return closing;
}

/** Python's `text.rfind(wanted, start, end)` for one character, negative ends included. */
function lastIndex(text: string, wanted: string, [start, end]: readonly [number, number]): number {
  const limit = end < 0 ? Math.max(0, text.length + end) : Math.min(end, text.length);
  if (limit <= start) return -1;
  const found = text.lastIndexOf(wanted, limit - 1);
  return found >= start ? found : -1;
}
