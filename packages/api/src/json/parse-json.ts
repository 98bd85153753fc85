import { JsonError } from "./json-error.ts";
import { JsonFloat, type JsonObject, type JsonValue } from "./json-value.ts";

/** Arrays and objects inside each other at most; Python's decoder stops where its stack (1,000 frames) ends. */
export const MAX_JSON_DEPTH = 950;

/** Digits of an integer at most (`sys.get_int_max_str_digits()`). */
export const MAX_INTEGER_DIGITS = 4300;

const QUOTE = 34;
const BACKSLASH = 92;
const CONTROL_CHARACTERS = /[\u0000-\u001f]/g;
const SIMPLE_ESCAPES = '"\\/bfnrt';
const FOUR_HEX_DIGITS = /^[0-9a-fA-F]{4}$/;
const NO_MORE = Number.MAX_SAFE_INTEGER;

/** Options of {@link parseJson}. */
export interface ParseJsonOptions {
  /** The caller knows that the text has no character below U+0020 at all; saves one scan. */
  readonly noControlCharacters?: boolean;
  /** Arrays and objects the text stands in: they count for {@link MAX_JSON_DEPTH}. */
  readonly depth?: number;
}

/**
 * Parses JSON without losing anything a Python server would see: see {@link JsonValue}. Accepts and refuses what
 * Python's `json.loads` does, `NaN` and `Infinity` included.
 *
 * @throws {@link JsonError} with Python's message and position.
 */
export function parseJson(text: string, options: ParseJsonOptions = {}): JsonValue {
  return new JsonParser(text, options).document();
}

class JsonParser {
  private readonly text: string;
  private position = 0;
  private depth: number;
  /** First backslash at or after the last place that was looked at; found once, not once per string. */
  private nextBackslash = -1;
  private nextControl: number;

  constructor(text: string, { noControlCharacters = false, depth = 0 }: ParseJsonOptions) {
    this.text = text;
    this.depth = depth;
    this.nextControl = noControlCharacters ? NO_MORE : -1;
  }

  document(): JsonValue {
    this.skipSpace();
    const value = this.value();
    this.skipSpace();
    if (this.position !== this.text.length) throw this.error("Extra data", this.position);
    return value;
  }

  private value(): JsonValue {
    const start = this.position;
    switch (this.text.charCodeAt(start)) {
      case QUOTE:
        return this.string();
      case 123:
        return this.object();
      case 91:
        return this.array();
      case 116:
        return this.word("true", true);
      case 102:
        return this.word("false", false);
      case 110:
        return this.word("null", null);
      case 78:
        return this.word("NaN", new JsonFloat(NaN));
      case 73:
        return this.word("Infinity", new JsonFloat(Infinity));
      case 45:
        if (this.text.startsWith("-Infinity", start)) {
          this.position = start + 9;
          return new JsonFloat(-Infinity);
        }
        return this.number();
      default:
        return this.number();
    }
  }

  private word(word: string, value: JsonValue): JsonValue {
    if (!this.text.startsWith(word, this.position)) throw this.expectingValue(this.position);
    this.position += word.length;
    return value;
  }

  private number(): JsonValue {
    const text = this.text;
    const start = this.position;
    let at = start;
    let code = text.charCodeAt(at);
    const negative = code === 45;
    if (negative) code = text.charCodeAt(++at);
    const digitsStart = at;
    let integer = 0;
    if (code === 48) {
      code = text.charCodeAt(++at);
    } else {
      if (!(code >= 49 && code <= 57)) throw this.expectingValue(start);
      do {
        integer = integer * 10 + (code - 48);
        code = text.charCodeAt(++at);
      } while (code >= 48 && code <= 57);
    }
    const integerEnd = at;
    if (code === 46 && isDigit(text.charCodeAt(at + 1))) at = this.skipDigits(at + 1);
    code = text.charCodeAt(at);
    if (code === 101 || code === 69) {
      const sign = text.charCodeAt(at + 1);
      const exponent = sign === 43 || sign === 45 ? at + 2 : at + 1;
      if (isDigit(text.charCodeAt(exponent))) at = this.skipDigits(exponent);
    }
    this.position = at;
    if (at !== integerEnd) return new JsonFloat(Number(text.slice(start, at)));
    if (integerEnd - digitsStart <= 15) return negative ? 0 - integer : integer;
    if (integerEnd - digitsStart > MAX_INTEGER_DIGITS) {
      throw new JsonError(
        "refused",
        `Exceeds the limit (${MAX_INTEGER_DIGITS} digits) for integer string conversion: value has ${integerEnd - digitsStart} digits; use sys.set_int_max_str_digits() to increase the limit`,
        0,
      );
    }
    const exact = BigInt(text.slice(start, at));
    return exact <= 9007199254740992n && exact >= -9007199254740992n ? Number(exact) : exact;
  }

  private skipDigits(from: number): number {
    let at = from;
    while (isDigit(this.text.charCodeAt(at))) at++;
    return at;
  }

  /** A string whose opening quote is at `position`. */
  private string(): string {
    const text = this.text;
    const begin = this.position + 1;
    const close = text.indexOf('"', begin);
    if (this.nextBackslash < begin) {
      const found = text.indexOf("\\", begin);
      this.nextBackslash = found === -1 ? NO_MORE : found;
    }
    if (this.nextControl < begin) this.nextControl = this.findControl(begin);
    if (close === -1 || this.nextBackslash < close || this.nextControl < close) {
      return this.escapedString(begin);
    }
    this.position = close + 1;
    return text.slice(begin, close);
  }

  private findControl(from: number): number {
    CONTROL_CHARACTERS.lastIndex = from;
    return CONTROL_CHARACTERS.test(this.text) ? CONTROL_CHARACTERS.lastIndex - 1 : NO_MORE;
  }

  /** A string with escapes: its end is looked for here, its escapes are left to `JSON.parse`. */
  private escapedString(begin: number): string {
    const text = this.text;
    let close = text.indexOf('"', begin);
    while (close !== -1) {
      let backslashes = 0;
      while (text.charCodeAt(close - 1 - backslashes) === BACKSLASH && close - backslashes > begin)
        backslashes++;
      if ((backslashes & 1) === 0) break;
      close = text.indexOf('"', close + 1);
    }
    if (close === -1) throw this.stringError(begin);
    let result: unknown;
    try {
      result = JSON.parse(text.slice(begin - 1, close + 1));
    } catch {
      throw this.stringError(begin);
    }
    this.position = close + 1;
    return result as string;
  }

  /** The error Python finds in a broken string, found by reading it as Python does. */
  private stringError(begin: number): JsonError {
    const text = this.text;
    let at = begin;
    for (;;) {
      const code = text.charCodeAt(at);
      if (Number.isNaN(code) || code === QUOTE)
        return this.error("Unterminated string starting at", begin - 1);
      if (code < 0x20) return this.error("Invalid control character at", at);
      if (code !== BACKSLASH) {
        at++;
        continue;
      }
      const escape = text.charCodeAt(at + 1);
      if (Number.isNaN(escape)) return this.error("Unterminated string starting at", begin - 1);
      if (escape !== 117) {
        if (!SIMPLE_ESCAPES.includes(text.charAt(at + 1))) return this.error("Invalid \\escape", at);
        at += 2;
        continue;
      }
      // Python also wants the text to go on after the digits.
      if (at + 6 >= text.length || !FOUR_HEX_DIGITS.test(text.slice(at + 2, at + 6)))
        return this.error("Invalid \\uXXXX escape", at + 1);
      at += 6;
    }
  }

  private object(): JsonObject {
    const object: JsonObject = new Map();
    this.enter();
    this.position++;
    this.skipSpace();
    if (this.text.charCodeAt(this.position) === 125) {
      this.position++;
      this.depth--;
      return object;
    }
    for (;;) {
      if (this.text.charCodeAt(this.position) !== QUOTE) {
        throw this.error("Expecting property name enclosed in double quotes", this.position);
      }
      const key = this.string();
      this.skipSpace();
      if (this.text.charCodeAt(this.position) !== 58)
        throw this.error("Expecting ':' delimiter", this.position);
      this.position++;
      this.skipSpace();
      object.set(key, this.value());
      this.skipSpace();
      const code = this.text.charCodeAt(this.position);
      if (code !== 44 && code !== 125) throw this.error("Expecting ',' delimiter", this.position);
      this.position++;
      if (code === 125) break;
      this.skipSpace();
    }
    this.depth--;
    return object;
  }

  private array(): JsonValue[] {
    const array: JsonValue[] = [];
    this.enter();
    this.position++;
    this.skipSpace();
    if (this.text.charCodeAt(this.position) === 93) {
      this.position++;
      this.depth--;
      return array;
    }
    for (;;) {
      array.push(this.value());
      this.skipSpace();
      const code = this.text.charCodeAt(this.position);
      if (code !== 44 && code !== 93) throw this.error("Expecting ',' delimiter", this.position);
      this.position++;
      if (code === 93) break;
      this.skipSpace();
    }
    this.depth--;
    return array;
  }

  private enter(): void {
    if (++this.depth > MAX_JSON_DEPTH) throw new JsonError("too-deep", "Nested too deeply", 0);
  }

  private skipSpace(): void {
    let at = this.position;
    for (;;) {
      const code = this.text.charCodeAt(at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) break;
      at++;
    }
    this.position = at;
  }

  private expectingValue(at: number): JsonError {
    return this.error("Expecting value", at);
  }

  private error(message: string, at: number): JsonError {
    let pairs = 0;
    for (let index = 0; index < at - 1; index++) {
      const code = this.text.charCodeAt(index);
      if (code >= 0xd800 && code <= 0xdbff) {
        const low = this.text.charCodeAt(index + 1);
        if (low >= 0xdc00 && low <= 0xdfff) {
          pairs++;
          index++;
        }
      }
    }
    return new JsonError("syntax", message, at - pairs);
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
