/** Part of a text, by UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What of a string's beginning stays: an escape cut short there would change the string. */
const KEPT_HEAD = 12;

interface OpenContainer {
  readonly isArray: boolean;
  readonly start: number;
  /** Behind the last comma between its entries. */
  entryStart: number;
  takesKey: boolean;
}

/**
 * The longest part of growing JSON before `limit` that its structure does not need: the inside of a string that is a value, or
 * whole items at the beginning of an array that is still open. Undefined where there is none.
 */
export function removableSpan(text: string, limit: number): Span | undefined {
  const open: OpenContainer[] = [];
  let longest: Span = { start: 0, end: 0 };
  const offer = (start: number, end: number): void => {
    if (end - start > longest.end - longest.start) longest = { start, end };
  };
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    const top = open.at(-1);
    if (character === '"') {
      const { inside, end } = readString(text, at, limit);
      if (top?.takesKey === false) offer(inside.start, inside.end);
      at = end;
    } else if (character === "{" || character === "[") {
      open.push({ isArray: character === "[", start: at, entryStart: at + 1, takesKey: character === "{" });
    } else if (character === "}" || character === "]") open.pop();
    else if (top !== undefined && character === ":") top.takesKey = false;
    else if (top !== undefined && character === ",") {
      top.takesKey = !top.isArray;
      if (at < limit) top.entryStart = at + 1;
    }
  }
  for (const { isArray, start, entryStart } of open) if (isArray) offer(start + 1, entryStart);
  return longest.end > longest.start ? longest : undefined;
}

/** The string at a quote: what of its inside can go, and where it ends. */
function readString(
  text: string,
  quote: number,
  limit: number,
): { readonly inside: Span; readonly end: number } {
  let start = -1;
  let end = -1;
  let at = quote + 1;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    // Surrogates, escaped or not, belong to the one before or behind them.
    const isBoundary = !isSurrogate(text, at) && !isSurrogate(text, at - 1) && !isSurrogate(text, at - 6);
    if (isBoundary && at <= limit) {
      if (start === -1 && at >= quote + KEPT_HEAD) start = at;
      if (start !== -1) end = at;
    }
    if (unit === 0x22) break;
    at += unit !== 0x5c ? 1 : text.charAt(at + 1) === "u" ? 6 : 2;
  }
  return { inside: { start, end: Math.max(start, end) }, end: at };
}

/** Whether half a character stands at a position, as it is or as an escape. */
function isSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  if (unit === 0x5c && text.charAt(at + 1) === "u")
    return text.charAt(at + 2).toLowerCase() === "d" && text.charAt(at + 3) >= "8";
  return unit >= 0xd800 && unit <= 0xdfff;
}
