import {
  QUOTE,
  BACKSLASH,
  COLON,
  COMMA,
  OPEN_BRACE,
  CLOSE_BRACE,
  OPEN_BRACKET,
  CLOSE_BRACKET,
} from "./json-punctuation.ts";

/** Where a value stands in the bytes of a text: from the first, up to but without the second. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/** So far a string's end is looked for byte by byte; what is longer is left to the system's search. */
export const SHORT_STRING = 32;

/** Behind the value that begins here; -1 without an end. That it is JSON is for whoever parses it. */
export function valueEnd(bytes: Uint8Array, start: number): number {
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
export function stringEnd(bytes: Uint8Array, start: number): number {
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

/** The first byte from here on that is no space between tokens; the length where none is. */
export function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && isSpace(bytes[at] as number)) at++;
  return at;
}

/** Whether a byte is space between tokens. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
