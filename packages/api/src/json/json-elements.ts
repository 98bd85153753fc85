import { type ByteSpan, skipSpace, valueEnd } from "./json-ends.ts";
import { COMMA, CLOSE_BRACKET } from "./json-punctuation.ts";

/** The elements of a JSON array from some place on. */
export interface JsonElements {
  readonly spans: readonly ByteSpan[];
  /** Where the array's closing bracket is. */
  readonly close: number;
}

/**
 * Finds the elements of a JSON array in UTF-8 without reading them: that they are JSON is for whoever parses them.
 *
 * @param from behind the array's opening bracket, or behind an element
 * @param isBehindElement which of the two
 * @returns undefined where the brackets do not match, or where a number or a word stands right before the closing one
 */
export function jsonElements(
  bytes: Uint8Array,
  from: number,
  isBehindElement: boolean,
): JsonElements | undefined {
  const spans: ByteSpan[] = [];
  let at = skipSpace(bytes, from);
  if (!isBehindElement && bytes[at] !== CLOSE_BRACKET) {
    at = readElement(bytes, at, spans);
    if (at === -1) return undefined;
  }
  while (bytes[at] === COMMA) {
    at = readElement(bytes, skipSpace(bytes, at + 1), spans);
    if (at === -1) return undefined;
  }
  return bytes[at] === CLOSE_BRACKET ? { spans, close: at } : undefined;
}

/** @returns the first byte behind it that is no space; -1 without an element */
function readElement(bytes: Uint8Array, start: number, spans: ByteSpan[]): number {
  const end = valueEnd(bytes, start);
  if (end <= start) return -1;
  spans.push({ start, end });
  return skipSpace(bytes, end);
}
