import { JsonError } from "./json-error.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import { LongStrings } from "./long-strings.ts";
import { MAX_JSON_DEPTH, parseJson } from "./parse-json.ts";
import { shortString } from "./short-string.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** Digits of a number that is read here. */
const MOST_DIGITS = 15;

/**
 * Parses JSON in UTF-8 without control characters, and without making one text of it first: a text of more than 128 KB
 * costs more to make than all else, since the system has to find new memory for it each time. Each string is made by itself,
 * its escapes undone in bytes.
 *
 * @returns undefined where there is anything unusual: broken JSON or UTF-8, half a surrogate pair, another encoding. Then
 * `parseJson` is to look at it, and says what is wrong
 */
export function parseLongJson(bytes: Uint8Array): JsonValue | undefined {
  try {
    return new ByteParser(bytes).document();
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

class ByteParser {
  private readonly bytes: Uint8Array;
  private readonly strings: LongStrings;
  private position = 0;
  private depth = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.strings = new LongStrings(bytes);
  }

  document(): JsonValue {
    this.skipSpace();
    const value = this.value();
    this.skipSpace();
    if (this.position !== this.bytes.length) throw unusual();
    return value;
  }

  private value(): JsonValue {
    const first = this.bytes[this.position];
    if (first === QUOTE) return this.string();
    if (first === OPEN_BRACE) return this.object();
    if (first === OPEN_BRACKET) return this.array();
    return this.scalar();
  }

  private string(): string {
    const begin = this.position + 1;
    const short = shortString(this.bytes, begin);
    if (short !== undefined) {
      this.position = begin + short.length + 1;
      return short;
    }
    const text = this.strings.read(begin);
    if (text === undefined) throw unusual();
    this.position = this.strings.end;
    return text;
  }

  /** A number, or a word. */
  private scalar(): JsonValue {
    const { bytes } = this;
    const start = this.position;
    const digits = bytes[start] === MINUS ? start + 1 : start;
    let at = digits;
    let integer = 0;
    let byte = bytes[at] as number;
    while (byte >= ZERO && byte <= NINE) {
      integer = integer * 10 + (byte - ZERO);
      byte = bytes[++at] as number;
    }
    const count = at - digits;
    const isPlain = count > 0 && count <= MOST_DIGITS && (count === 1 || bytes[digits] !== ZERO);
    if (isPlain && (isEnd(byte) || at === bytes.length)) {
      this.position = at;
      return digits === start ? integer : 0 - integer;
    }
    while (at < bytes.length && !isEnd(bytes[at] as number)) at++;
    this.position = at;
    let text = "";
    for (let index = start; index < at; index++) text += String.fromCharCode(bytes[index] as number);
    return parseJson(text);
  }

  private object(): JsonObject {
    const { bytes } = this;
    const object: JsonObject = new Map();
    this.enter();
    if (bytes[this.position] === CLOSE_BRACE) return this.leave(object);
    for (;;) {
      if (bytes[this.position] !== QUOTE) throw unusual();
      const key = this.string();
      this.skipSpace();
      if (bytes[this.position] !== COLON) throw unusual();
      this.position++;
      this.skipSpace();
      object.set(key, this.value());
      this.skipSpace();
      const byte = bytes[this.position];
      if (byte === CLOSE_BRACE) return this.leave(object);
      if (byte !== COMMA) throw unusual();
      this.position++;
      this.skipSpace();
    }
  }

  private array(): JsonValue[] {
    const { bytes } = this;
    const array: JsonValue[] = [];
    this.enter();
    if (bytes[this.position] === CLOSE_BRACKET) return this.leave(array);
    for (;;) {
      array.push(this.value());
      this.skipSpace();
      const byte = bytes[this.position];
      if (byte === CLOSE_BRACKET) return this.leave(array);
      if (byte !== COMMA) throw unusual();
      this.position++;
      this.skipSpace();
    }
  }

  private enter(): void {
    if (++this.depth > MAX_JSON_DEPTH) throw unusual();
    this.position++;
    this.skipSpace();
  }

  private leave<T>(value: T): T {
    this.depth--;
    this.position++;
    return value;
  }

  private skipSpace(): void {
    while (isSpace(this.bytes[this.position])) this.position++;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isEnd(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_BRACKET || byte === CLOSE_BRACE || isSpace(byte);
}

/** Only says that this parser is not the one to go on. */
function unusual(): JsonError {
  return new JsonError("syntax", "unusual", 0);
}
