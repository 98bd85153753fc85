import { type ByteKinds, byteKinds } from "./byte-kinds.ts";
import { JsonError } from "./json-error.ts";
import type { JsonValue } from "./json-value.ts";
import { parseJson } from "./parse-json.ts";
import { utf8Fault } from "./utf8-fault.ts";

interface Decoder {
  decode(bytes: Uint8Array): string;
}
/** In Node and in browsers; declared here because a pure package sees neither's types. */
declare const TextDecoder: new (label: string, options: { fatal: boolean; ignoreBOM?: boolean }) => Decoder;

const utf8: Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Parses the bytes of a request body as Python's `json.loads(bytes)` does: UTF-8 with or without byte order mark, UTF-16
 * and UTF-32 are recognised.
 *
 * @throws {@link JsonError}; `refused` when the bytes are not text in that encoding.
 */
export function parseJsonBytes(bytes: Uint8Array): JsonValue {
  const { hasControl } = byteKinds(bytes);
  return parseJson(decodeJsonBytes(bytes, decode), { noControlCharacters: !hasControl });
}

/** Makes text of some bytes which are all below 0x80. */
export type DecodeAscii = (bytes: Uint8Array, start: number, end: number) => string;

/** A value that stands in a longer JSON text. */
export interface JsonPiece {
  readonly start: number;
  readonly end: number;
  /** Arrays and objects it stands in. */
  readonly depth: number;
  /** What is known of its bytes. */
  readonly kinds: ByteKinds;
}

/**
 * Parses a value inside a JSON text in UTF-8 as it is parsed with the whole; only the positions of errors are its own.
 *
 * @param decodeAscii for pieces that are ASCII, if there is a faster way than `TextDecoder`
 * @throws {@link JsonError}
 */
export function parseJsonPiece(
  bytes: Uint8Array,
  { start, end, depth, kinds }: JsonPiece,
  decodeAscii: DecodeAscii | undefined,
): JsonValue {
  const text =
    kinds.isAscii && decodeAscii !== undefined
      ? decodeAscii(bytes, start, end)
      : decodeJsonBytes(bytes.subarray(start, end), utf8Text);
  return parseJson(text, { noControlCharacters: !kinds.hasControl, depth });
}

function decodeJsonBytes(bytes: Uint8Array, decodeBytes: (bytes: Uint8Array) => string): string {
  try {
    return decodeBytes(bytes);
  } catch (cause) {
    if (cause instanceof JsonError) throw cause;
    throw new JsonError("refused", "The body is not text", 0);
  }
}

function decode(bytes: Uint8Array): string {
  const [a = 1, b = 1, c = 1, d = 1] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return utf8Text(bytes.subarray(3));
  if (a !== 0 && b !== 0 && a < 0xfe) return utf8Text(bytes);
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return utf32(bytes.subarray(4), false);
  if (a === 0xff && b === 0xfe && c === 0 && d === 0 && bytes.length >= 4)
    return utf32(bytes.subarray(4), true);
  if (a === 0xfe && b === 0xff) return utf16(bytes.subarray(2), false);
  if (a === 0xff && b === 0xfe) return utf16(bytes.subarray(2), true);
  if (bytes.length >= 4) {
    if (a === 0) return b === 0 ? utf32(bytes, false) : utf16(bytes, false);
    if (b === 0) return c === 0 && d === 0 ? utf32(bytes, true) : utf16(bytes, true);
  } else if (bytes.length === 2) {
    if (a === 0) return utf16(bytes, false);
    if (b === 0) return utf16(bytes, true);
  }
  return utf8Text(bytes);
}

/** UTF-8 as Python reads it here: halves of surrogate pairs may stand alone ("surrogatepass"). */
function utf8Text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    const fault = utf8Fault(bytes);
    if (fault !== undefined) throw new JsonError("refused", fault, 0);
  }
  let text = "";
  let start = 0;
  for (let at = 0; at + 2 < bytes.length; at++) {
    if (!isSurrogate(bytes, at)) continue;
    text += utf8.decode(bytes.subarray(start, at));
    text += String.fromCharCode(
      0xd000 | (((bytes[at + 1] as number) & 0x3f) << 6) | ((bytes[at + 2] as number) & 0x3f),
    );
    at += 2;
    start = at + 1;
  }
  return text + utf8.decode(bytes.subarray(start));
}

/** Whether three bytes are the UTF-8 form of half a surrogate pair. */
function isSurrogate(bytes: Uint8Array, at: number): boolean {
  const [first = 0, second = 0, third = 0] = bytes.subarray(at, at + 3);
  return first === 0xed && second >= 0xa0 && second <= 0xbf && third >= 0x80 && third <= 0xbf;
}

function utf16(bytes: Uint8Array, littleEndian: boolean): string {
  return new TextDecoder(littleEndian ? "utf-16le" : "utf-16be", { fatal: true, ignoreBOM: true }).decode(
    bytes,
  );
}

function utf32(bytes: Uint8Array, littleEndian: boolean): string {
  if (bytes.length % 4 !== 0) throw new JsonError("refused", "The body is not text", 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) text += String.fromCodePoint(view.getUint32(at, littleEndian));
  return text;
}
