/** Where a value stands in the bytes of a text: from the first, up to but without the second. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** So far a string's end is looked for byte by byte; what is longer is left to the system's search. */
const SHORT_STRING = 32;

const NO_ROOM = new Uint8Array(0);

/**
 * Finds the fields of a JSON object in UTF-8 without reading their values: for bodies of which little is asked. Of a name that
 * comes twice the last counts, as in Python.
 *
 * Values are looked at only so far as to find their ends: that they are JSON is for whoever parses them.
 * @returns undefined where the text is no object, where a name has an escape in it, or where the brackets do not match
 */
export function jsonMembers(bytes: Uint8Array): ReadonlyMap<string, ByteSpan> | undefined {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_BRACE) return undefined;
  const members = new Map<string, ByteSpan>();
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === CLOSE_BRACE) return isEnd(bytes, at + 1) ? members : undefined;
  for (;;) {
    if (bytes[at] !== QUOTE) return undefined;
    const nameEnd = stringEnd(bytes, at);
    const name = nameEnd === -1 ? undefined : plainName(bytes, at + 1, nameEnd - 1);
    if (name === undefined) return undefined;
    at = skipSpace(bytes, nameEnd);
    if (bytes[at] !== COLON) return undefined;
    const start = skipSpace(bytes, at + 1);
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

/** @returns -1 without an end */
function valueEnd(bytes: Uint8Array, start: number): number {
  const first = bytes[start];
  if (first === QUOTE) return stringEnd(bytes, start);
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return scalarEnd(bytes, start);
  // Which bracket is open at each depth, so that {] is not taken for a value.
  const open: number[] = [];
  for (let at = start; at < bytes.length;) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = stringEnd(bytes, at);
      if (at === -1) return -1;
      continue;
    }
    at++;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) open.push(byte + 2);
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (open.pop() !== byte) return -1;
      if (open.length === 0) return at;
    }
  }
  return -1;
}

function scalarEnd(bytes: Uint8Array, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === COMMA || byte === CLOSE_BRACE || isSpace(byte)) return at;
    if (byte === QUOTE || byte === CLOSE_BRACKET || byte === COLON) return -1;
  }
  return -1;
}

/** Behind the closing quote of the string that begins here; -1 without one. */
function stringEnd(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  for (;;) {
    const stop = Math.min(bytes.length, at + SHORT_STRING);
    for (; at < stop; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) return at + 1;
      if (byte === BACKSLASH) at++;
    }
    if (at >= bytes.length) return -1;
    const quote = bytes.indexOf(QUOTE, at);
    if (quote === -1) return -1;
    let backslashes = 0;
    while (quote - backslashes > at && bytes[quote - backslashes - 1] === BACKSLASH) backslashes++;
    at = quote + 1;
    if (backslashes % 2 === 0) return at;
  }
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

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && isSpace(bytes[at] as number)) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isEnd(bytes: Uint8Array, from: number): boolean {
  return skipSpace(bytes, from) === bytes.length;
}
