import { PythonFloat, type TemplateValue } from "../template-value.ts";
import { makeInteger } from "./arithmetic.ts";

const WHITESPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/y;
// oxlint-disable-next-line no-control-regex -- what a JSON string may hold unescaped
const STRING_BODY = /"(?:[^"\\\x00-\x1f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))/g;

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const LITERALS: readonly (readonly [text: string, value: TemplateValue])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
  ["NaN", new PythonFloat(Number.NaN)],
  ["Infinity", new PythonFloat(Infinity)],
  ["-Infinity", new PythonFloat(-Infinity)],
];

/** Deepest nesting that is read; Python's own limit is of this order. */
const MAX_DEPTH = 900;

/** `json.loads(text)` without loss; `undefined` for text that is not JSON to Python. */
export function parseJson(text: string): TemplateValue | undefined {
  return new JsonReader(text).document();
}

/** A JSON value that a text holds somewhere, and the position after it. */
export interface DecodedJson {
  readonly value: TemplateValue;
  readonly end: number;
}

/** `JSONDecoder().raw_decode(text, start)`: the value that begins exactly at `start`; `undefined` where none does. */
export function decodeJsonAt(text: string, start: number): DecodedJson | undefined {
  const reader = new JsonReader(text, start);
  const value = reader.valueHere();
  return value === undefined ? undefined : { value, end: reader.end };
}

class JsonReader {
  private readonly text: string;
  private position: number;

  constructor(text: string, start = 0) {
    this.text = text;
    this.position = start;
  }

  get end(): number {
    return this.position;
  }

  valueHere(): TemplateValue | undefined {
    return this.value(0);
  }

  document(): TemplateValue | undefined {
    this.skipSpace();
    const value = this.value(0);
    this.skipSpace();
    return this.position === this.text.length ? value : undefined;
  }

  private skipSpace(): void {
    WHITESPACE.lastIndex = this.position;
    WHITESPACE.exec(this.text);
    this.position = WHITESPACE.lastIndex;
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text);
    if (found !== null) this.position = pattern.lastIndex;
    return found;
  }

  private take(character: string): boolean {
    if (this.text[this.position] !== character) return false;
    this.position++;
    return true;
  }

  private value(depth: number): TemplateValue | undefined {
    if (depth > MAX_DEPTH) return undefined;
    const character = this.text[this.position];
    if (character === '"') return this.string();
    if (character === "{") return this.object(depth);
    if (character === "[") return this.array(depth);
    for (const [text, value] of LITERALS) {
      if (this.text.startsWith(text, this.position)) {
        this.position += text.length;
        return value;
      }
    }
    const number = this.match(NUMBER);
    if (number === null) return undefined;
    const [digits, fraction, exponent] = number;
    if (fraction !== undefined || exponent !== undefined) return new PythonFloat(Number(digits));
    const plain = Number(digits);
    if (Number.isSafeInteger(plain)) return plain === 0 ? 0 : plain;
    return makeInteger(BigInt(digits)) as number | bigint;
  }

  private string(): string | undefined {
    // The closing quote is no part of the pattern: it would go back over all of a string that has none.
    const match = this.match(STRING_BODY);
    if (match === null || !this.take('"')) return undefined;
    const body = match[0].slice(1);
    if (!body.includes("\\")) return body;
    return body.replace(ESCAPE, (_, code: string | undefined, simple: string | undefined) =>
      code === undefined ? (ESCAPES[simple ?? ""] ?? simple ?? "") : String.fromCharCode(parseInt(code, 16)),
    );
  }

  private array(depth: number): TemplateValue | undefined {
    this.position++;
    const items: TemplateValue[] = [];
    this.skipSpace();
    if (this.take("]")) return items;
    for (;;) {
      this.skipSpace();
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
      this.skipSpace();
      if (this.take("]")) return items;
      if (!this.take(",")) return undefined;
    }
  }

  private object(depth: number): TemplateValue | undefined {
    this.position++;
    const entries = new Map<string, TemplateValue>();
    this.skipSpace();
    if (this.take("}")) return entries;
    for (;;) {
      this.skipSpace();
      const key = this.text[this.position] === '"' ? this.string() : undefined;
      this.skipSpace();
      if (key === undefined || !this.take(":")) return undefined;
      this.skipSpace();
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      entries.set(key, item);
      this.skipSpace();
      if (this.take("}")) return entries;
      if (!this.take(",")) return undefined;
    }
  }
}
