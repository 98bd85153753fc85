import { isSpaceUnit, splitWords, strip } from "./whitespace.ts";

/** What `str.split` and `str.rsplit` were asked for. */
export interface SplitRequest {
  /** Separator, or `undefined` for runs of white space. */
  readonly separator: string | undefined;
  /** Most cuts to make; negative for no limit. */
  readonly limit: number;
  /** Whether the cuts are made from the right. */
  readonly fromRight: boolean;
}

/** `text.split(separator, limit)` and `text.rsplit(separator, limit)`. */
export function splitText(text: string, request: SplitRequest): string[] {
  const { separator, limit, fromRight } = request;
  if (separator === undefined) return limit < 0 ? splitWords(text) : splitWordsLimited(text, request);
  const parts = text.split(separator);
  if (limit < 0 || parts.length - 1 <= limit) return parts;
  if (fromRight) {
    const cut = parts.length - limit;
    return [parts.slice(0, cut).join(separator), ...parts.slice(cut)];
  }
  return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
}

function splitWordsLimited(text: string, request: SplitRequest): string[] {
  const { limit, fromRight } = request;
  const words: string[] = [];
  let rest = strip(text, "both");
  // Each cut takes one word off the end the cuts start from.
  while (rest !== "" && words.length < limit) {
    const [word, remaining] = fromRight ? cutLast(rest) : cutFirst(rest);
    words.push(word);
    rest = remaining;
  }
  const [leading, trailing] = [strip(text, "left"), strip(text, "right")];
  if (rest !== "")
    words.push(limit === 0 ? (fromRight ? trailing : leading) : keepOuter(text, rest, fromRight));
  return fromRight ? words.reverse() : words;
}

/** The uncut remainder keeps the white space at the far end of the text. */
function keepOuter(text: string, rest: string, fromRight: boolean): string {
  if (fromRight) return text.slice(0, text.length - strip(text, "left").length) + rest;
  return rest + text.slice(strip(text, "right").length);
}

function cutFirst(text: string): readonly [word: string, rest: string] {
  let end = 0;
  while (end < text.length && !isSpaceUnit(text.charCodeAt(end))) end++;
  return [text.slice(0, end), strip(text.slice(end), "left")];
}

function cutLast(text: string): readonly [word: string, rest: string] {
  let start = text.length;
  while (start > 0 && !isSpaceUnit(text.charCodeAt(start - 1))) start--;
  return [text.slice(start), strip(text.slice(0, start), "right")];
}
