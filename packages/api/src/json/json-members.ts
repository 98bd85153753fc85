import { type ByteSpan, isSpace, SHORT_STRING, skipSpace, stringEnd, valueEnd } from "./json-ends.ts";
import { QUOTE, BACKSLASH, COLON, COMMA, OPEN_BRACE, CLOSE_BRACE } from "./json-punctuation.ts";

const NO_ROOM = new Uint8Array(0);

/**
 * Finds the fields of a JSON object in UTF-8 without reading their values: for bodies of which little is asked. Of a name that
 * comes twice the last counts, as in Python.
 *
 * Values are looked at only so far as to find their ends: that they are JSON is for whoever parses them.
 * @returns undefined where the text is no object, where a name has an escape in it, or where the brackets do not match
 */
export function jsonMembers(bytes: Uint8Array): ReadonlyMap<string, ByteSpan> | undefined {
  const members = new Map<string, ByteSpan>();
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_BRACE) return undefined;
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === CLOSE_BRACE) return isEnd(bytes, at + 1) ? members : undefined;
  for (;;) {
    const member = memberStart(bytes, at);
    if (member === undefined) return undefined;
    const { name, start } = member;
    const end = valueEnd(bytes, start);
    if (end <= start) return undefined;
    members.set(name, { start, end });
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_BRACE) return isEnd(bytes, at + 1) ? members : undefined;
    if (bytes[at] !== COMMA) return undefined;
    at = skipSpace(bytes, at + 1);
  }
}

/**
 * Where the value of the first field of a name begins, in a JSON object in UTF-8; nothing behind it is looked at.
 * @returns -1 without such a field, or where {@link jsonMembers} would find no object up to there
 */
export function jsonMemberStart(bytes: Uint8Array, wanted: string): number {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_BRACE) return -1;
  do {
    const member = memberStart(bytes, skipSpace(bytes, at + 1));
    if (member === undefined) return -1;
    if (member.name === wanted) return member.start;
    const end = valueEnd(bytes, member.start);
    if (end <= member.start) return -1;
    at = skipSpace(bytes, end);
  } while (bytes[at] === COMMA);
  return -1;
}

/** The name of the field that begins here, and where its value begins. */
function memberStart(bytes: Uint8Array, from: number): { name: string; start: number } | undefined {
  if (bytes[from] !== QUOTE) return undefined;
  const nameEnd = stringEnd(bytes, from);
  const name = nameEnd === -1 ? undefined : plainName(bytes, from + 1, nameEnd - 1);
  if (name === undefined) return undefined;
  const colon = skipSpace(bytes, nameEnd);
  return bytes[colon] === COLON ? { name, start: skipSpace(bytes, colon + 1) } : undefined;
}

/**
 * The values of some spans one after the other, without the space between their tokens: the same for everybody who writes
 * the same values with the same escapes. A span may end inside a string.
 * @param room where they are put, if they are no longer than it; else in memory of their own
 */
export function withoutSpace(
  bytes: Uint8Array,
  spans: readonly ByteSpan[],
  room: Uint8Array = NO_ROOM,
): Uint8Array {
  const longest = spans.reduce((length, { start, end }) => length + end - start, 0);
  const copy = longest <= room.length ? room : new Uint8Array(longest);
  let length = 0;
  for (const { start, end } of spans) {
    for (let at = start; at < end;) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        const after = stringEnd(bytes, at);
        const stop = after === -1 ? end : Math.min(after, end);
        length = copyString(bytes, { start: at, end: stop }, { copy, length });
        at = stop;
      } else {
        if (!isSpace(byte)) copy[length++] = byte;
        at++;
      }
    }
  }
  return copy.subarray(0, length);
}

function copyString(
  bytes: Uint8Array,
  { start, end }: ByteSpan,
  { copy, length }: { readonly copy: Uint8Array; readonly length: number },
): number {
  if (end - start > SHORT_STRING) {
    copy.set(bytes.subarray(start, end), length);
    return length + end - start;
  }
  let to = length;
  for (let at = start; at < end; at++) copy[to++] = bytes[at] as number;
  return to;
}

/** A name of plain ASCII, undefined for others. */
function plainName(bytes: Uint8Array, start: number, end: number): string | undefined {
  let name = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH || byte < 0x20 || byte >= 0x80) return undefined;
    name += String.fromCharCode(byte);
  }
  return name;
}

function isEnd(bytes: Uint8Array, from: number): boolean {
  return skipSpace(bytes, from) === bytes.length;
}
