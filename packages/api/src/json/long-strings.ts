import { AsciiWindow } from "./ascii-window.ts";
import { strictUtf8 } from "./strict-utf8.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
/** So many bytes behind an escape are looked at one by one; what goes on beyond them is left to the system's search. */
const NEAR_BYTES = 48;
/** The scratch of longer bodies is not kept. */
const KEPT_BYTES = 1 << 20;
const NONE = Number.MAX_SAFE_INTEGER;

/** What stands for the byte behind a backslash; 0 for what is no escape of one character. */
const SIMPLE_ESCAPES = simpleEscapes();

let keptScratch = new Uint8Array(0);

/** Reads the strings of a JSON text in UTF-8 without control characters, from the first to the last. */
export class LongStrings {
  /** Behind the closing quote of the string that was read last. */
  end = 0;
  private readonly bytes: Uint8Array;
  /** First quote and first backslash at or behind a place that was looked at; found once, not once per string. */
  private nextQuote = -1;
  private nextBackslash = -1;
  /** A copy of the bytes in which escapes are undone, each string at its own place; made for the first escape. */
  private scratch: Uint8Array | undefined;
  /** Escapes stood far apart where the last one was undone. */
  private isSparse = false;
  private readonly window: AsciiWindow;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.window = new AsciiWindow(bytes);
  }

  /** The string whose first character is at `begin`; undefined when it is broken, or cannot be written in UTF-8. */
  read(begin: number): string | undefined {
    const { bytes } = this;
    const end = this.nextStop(begin);
    const byte = bytes[end];
    if (byte === BACKSLASH) return this.escaped(begin, end);
    if (byte !== QUOTE) return undefined;
    this.end = end + 1;
    return this.window.text(begin, end) ?? decoded(bytes.subarray(begin, end));
  }

  /** The same, with its first backslash. */
  private escaped(begin: number, backslash: number): string | undefined {
    const { bytes } = this;
    const scratch = (this.scratch ??= copied(bytes));
    let written = backslash;
    let at = backslash;
    for (;;) {
      const byte = bytes[at];
      if (byte === QUOTE) break;
      if (byte !== BACKSLASH) return undefined;
      const letter = bytes[at + 1] as number;
      if (letter === LOWER_U) {
        const point = unicodeEscape(bytes, at);
        if (point < 0) return undefined;
        written = putCharacter(scratch, written, point);
        at += point >= 0x10000 ? 12 : 6;
      } else {
        const plain = SIMPLE_ESCAPES[letter] ?? 0;
        if (plain === 0) return undefined;
        scratch[written++] = plain;
        at += 2;
      }
      // What lies between escapes is moved to where it belongs: byte by byte where they are close to each other.
      const from = at;
      if (!this.isSparse) {
        const near = Math.min(bytes.length, at + NEAR_BYTES);
        at = nearStop(bytes, at, near);
        if (at < near) {
          for (let index = from; index < at; index++) scratch[written++] = bytes[index] as number;
          continue;
        }
      }
      at = this.nextStop(at);
      this.isSparse = at - from > NEAR_BYTES;
      scratch.copyWithin(written, from, at);
      written += at - from;
    }
    this.end = at + 1;
    return decoded(scratch.subarray(begin, written));
  }

  /** Place of the next quote or backslash, or the length. */
  private nextStop(from: number): number {
    const { bytes } = this;
    if (this.nextQuote < from) this.nextQuote = found(bytes.indexOf(QUOTE, from));
    if (this.nextBackslash < from) this.nextBackslash = found(bytes.indexOf(BACKSLASH, from));
    return Math.min(this.nextQuote, this.nextBackslash, bytes.length);
  }
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Place of the next quote or backslash before `limit`; else that. */
function nearStop(bytes: Uint8Array, from: number, limit: number): number {
  for (let at = from; at < limit; at++) {
    const byte = bytes[at];
    if (byte === QUOTE || byte === BACKSLASH) return at;
  }
  return limit;
}

/** In memory that is used again, unless it is much: of no use any more when the next text is read. */
function copied(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > KEPT_BYTES) return Uint8Array.from(bytes);
  if (keptScratch.length < length) keptScratch = new Uint8Array(length);
  keptScratch.set(bytes);
  return keptScratch;
}

/** The character of an escape, or of one for each of its halves; -1 when they are none. */
function unicodeEscape(bytes: Uint8Array, at: number): number {
  const unit = hex(bytes, at + 2);
  if ((unit & 0xf800) !== 0xd800) return unit;
  if (bytes[at + 6] !== BACKSLASH || bytes[at + 7] !== LOWER_U) return -1;
  const low = hex(bytes, at + 8);
  const isPair = unit < 0xdc00 && (low & 0xfc00) === 0xdc00;
  return isPair && low >= 0 ? 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff) : -1;
}

/** Four hexadecimal digits as a number, -1 when they are none. */
function hex(bytes: Uint8Array, start: number): number {
  let value = 0;
  for (let at = start; at < start + 4; at++) {
    const digit = hexDigit(bytes[at] ?? 0);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** Writes a character in UTF-8, which is never longer than its escape. @returns the place behind it */
function putCharacter(target: Uint8Array, start: number, point: number): number {
  let at = start;
  if (point < 0x80) {
    target[at++] = point;
    return at;
  }
  if (point < 0x800) {
    target[at++] = 0xc0 | (point >> 6);
  } else {
    if (point < 0x10000) {
      target[at++] = 0xe0 | (point >> 12);
    } else {
      target[at++] = 0xf0 | (point >> 18);
      target[at++] = 0x80 | ((point >> 12) & 0x3f);
    }
    target[at++] = 0x80 | ((point >> 6) & 0x3f);
  }
  target[at++] = 0x80 | (point & 0x3f);
  return at;
}

function found(place: number): number {
  return place === -1 ? NONE : place;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function simpleEscapes(): Uint8Array {
  const escapes = new Uint8Array(256);
  for (const [letter, plain] of ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"]) {
    escapes[(letter as string).charCodeAt(0)] = (plain as string).charCodeAt(0);
  }
  return escapes;
}
