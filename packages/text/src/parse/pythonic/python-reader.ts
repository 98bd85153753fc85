import { PythonFloat, type TemplateValue } from "../../template/template-value.ts";
import { parseFloatText, parseIntegerText } from "../../template/python/parse-number.ts";
import { readStringLiteral } from "./string-literal.ts";
import { isKeyword } from "./python-keywords.ts";

/** A value of a literal: JSON, with keys of objects as Python has them. */
export type LiteralValue =
  | TemplateValue
  | readonly LiteralValue[]
  | ReadonlyMap<string | number | bigint | boolean | null | PythonFloat, LiteralValue>;

/** A call with literal arguments. Positional arguments are read over. */
export interface PythonCall {
  readonly name: string;
  readonly arguments: ReadonlyMap<string | null, LiteralValue>;
}

/** An expression without a literal value: a name, a call, or something that holds one. */
const OPAQUE = Symbol("opaque");

type Read<T extends LiteralValue = LiteralValue> = T | typeof OPAQUE;

const IDENTIFIER = /[\p{ID_Start}_]\p{ID_Continue}*/uy;
const SPACE = /(?:[ \t\f]|\\\r?\n)*/y;
const SPACE_IN_BRACKETS = /(?:[ \t\f\r\n]|\\\r?\n|#[^\n]*)*/y;
const REST_OF_LINE = /[ \t\f]*(?:#[^\r\n]*)?/y;
const BLANK_LINES = /(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n?|\n))+/y;
const NUMBER =
  /(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][-+]?\d(?:_?\d)*)?)/y;
const STRING_START = /(?:[rR][fF]?|[uU]|[fF][rR]?)?(?=["'])/y;
const CONSTANTS: ReadonlyMap<string, TemplateValue> = new Map<string, TemplateValue>([
  ["None", null],
  ["True", true],
  ["False", false],
]);
const JSON_NAMES: ReadonlyMap<string, TemplateValue> = new Map<string, TemplateValue>([
  ["null", null],
  ["true", true],
  ["false", false],
]);

/** Deepest nesting of brackets; Python's own limit. */
const MAX_DEPTH = 200;

class PythonSyntaxFailure extends Error {}

/** What a text of Python holds, as far as calls can be read from it. */
export interface ReadPython {
  /** The calls, when the first expression is a list of nothing but calls with literal arguments. */
  readonly calls: readonly PythonCall[];
  /** Whether there is a set anywhere in it. */
  readonly hasSet: boolean;
}

/**
 * Reads Python source that begins with a list of calls, such as `[f(a=1), g()]`; undefined for everything else. More
 * expressions on lines of their own may follow: they have to be Python, and are dropped.
 */
export function readPythonCalls(text: string): ReadPython | undefined {
  // Python refuses source with a null character, wherever it stands.
  if (text.includes("\0")) return undefined;
  try {
    return new PythonReader(text).module();
  } catch (error) {
    if (error instanceof PythonSyntaxFailure) return undefined;
    throw error;
  }
}

class PythonReader {
  private readonly text: string;
  private position = 0;
  private depth = 0;
  private hasSet = false;

  constructor(text: string) {
    this.text = text;
  }

  module(): ReadPython {
    const calls = this.callList();
    while (this.nextStatement()) this.expression();
    return { calls, hasSet: this.hasSet };
  }

  /** Steps to another statement; false at the end. */
  private nextStatement(): boolean {
    this.match(SPACE);
    const goesOn = this.take(";");
    this.match(REST_OF_LINE);
    if (this.position >= this.text.length) return false;
    if (this.match(BLANK_LINES) === "") {
      if (!goesOn) throw new PythonSyntaxFailure();
      return true;
    }
    if (/^[ \t\f]*(?:#[^\n]*)?$/.test(this.text.slice(this.position))) return false;
    if (/[ \t\f]/.test(this.peek())) throw new PythonSyntaxFailure();
    return true;
  }

  private callList(): PythonCall[] {
    if (!this.take("[")) throw new PythonSyntaxFailure();
    const calls: PythonCall[] = [];
    this.enter();
    while (!this.take("]")) {
      calls.push(this.call(this.identifier()));
      this.space();
      if (this.take("]")) break;
      this.expect(",");
      this.space();
    }
    this.depth--;
    return calls;
  }

  /** A call behind the first part of its name. */
  private call(first: string): PythonCall {
    let name = first;
    if (isKeyword(first)) throw new PythonSyntaxFailure();
    for (;;) {
      this.space();
      if (!this.take(".")) break;
      this.space();
      const part = this.identifier();
      if (isKeyword(part)) throw new PythonSyntaxFailure();
      name += `.${part}`;
    }
    this.expect("(");
    return { name, arguments: this.arguments() };
  }

  private arguments(): Map<string | null, LiteralValue> {
    const given = new Map<string | null, LiteralValue>();
    let seenKeyword = false;
    let seenUnpacking = false;
    this.enter();
    while (!this.take(")")) {
      if (this.text.startsWith("**", this.position)) {
        this.position += 2;
        this.space();
        given.set(null, this.literal());
        seenUnpacking = true;
      } else if (this.take("*")) {
        this.space();
        if (seenUnpacking) throw new PythonSyntaxFailure();
        this.expression();
      } else {
        const name = this.keywordName();
        if (name === undefined) {
          if (seenKeyword || seenUnpacking) throw new PythonSyntaxFailure();
          this.expression();
        } else {
          given.set(name, this.literal());
          seenKeyword = true;
        }
      }
      this.space();
      if (this.take(")")) break;
      this.expect(",");
      this.space();
    }
    this.depth--;
    return given;
  }

  /** The name of a keyword argument with its equals sign, or nothing and no step. */
  private keywordName(): string | undefined {
    const start = this.position;
    const name = this.match(IDENTIFIER);
    this.space();
    if (name !== "" && this.peek() === "=" && this.text.charAt(this.position + 1) !== "=") {
      if (isKeyword(name)) throw new PythonSyntaxFailure();
      this.position++;
      this.space();
      return name.normalize("NFKC");
    }
    this.position = start;
    return undefined;
  }

  private literal(): LiteralValue {
    const value = this.expression();
    if (value === OPAQUE) throw new PythonSyntaxFailure();
    return value;
  }

  /** Any expression of those that are read: literals, names, and calls, which have no value. */
  private expression(): Read {
    const character = this.peek();
    if (character === "-" || character === "+") return this.signed(character);
    if (character === "[") return this.list("]");
    if (character === "(") return this.tuple();
    if (character === "{") return this.dictionaryOrSet();
    STRING_START.lastIndex = this.position;
    if (STRING_START.test(this.text)) return this.strings();
    if (/[0-9.]/.test(character)) return this.number();
    const name = this.identifier();
    const constant = CONSTANTS.get(name) ?? JSON_NAMES.get(name);
    const isConstant = CONSTANTS.has(name) || JSON_NAMES.has(name);
    if (isConstant) return constant ?? null;
    if (isKeyword(name)) throw new PythonSyntaxFailure();
    const mark = this.position;
    this.space();
    if (this.peek() === "(" || this.peek() === ".") this.call(name);
    else this.position = mark;
    return OPAQUE;
  }

  private signed(sign: string): LiteralValue {
    this.position++;
    this.space();
    const value = this.expression();
    const isNumber = typeof value === "number" || typeof value === "bigint" || value instanceof PythonFloat;
    if (!isNumber) throw new PythonSyntaxFailure();
    if (sign === "+") return value;
    if (value instanceof PythonFloat) return new PythonFloat(-value.value);
    return value === 0 ? 0 : -value;
  }

  private list(close: string): Read<LiteralValue[]> {
    this.position++;
    const items: LiteralValue[] = [];
    let isOpaque = false;
    this.enter();
    while (!this.take(close)) {
      const item = this.expression();
      if (item === OPAQUE) isOpaque = true;
      else items.push(item);
      this.space();
      if (this.take(close)) break;
      this.expect(",");
      this.space();
    }
    this.depth--;
    return isOpaque ? OPAQUE : items;
  }

  /** A value in brackets, or a tuple, which is a list to JSON. */
  private tuple(): Read {
    const start = this.position;
    const items = this.list(")");
    if (items === OPAQUE) return OPAQUE;
    const [only] = items;
    if (items.length !== 1 || only === undefined) return items;
    const before = this.text.slice(start, this.position - 1).replace(/(?:\s|#[^\n]*\n)+$/, "");
    return before.endsWith(",") ? items : only;
  }

  private dictionaryOrSet(): Read {
    this.position++;
    this.enter();
    const entries = new Map<string | number | bigint | boolean | null | PythonFloat, LiteralValue>();
    const members: LiteralValue[] = [];
    let isOpaque = false;
    while (!this.take("}")) {
      const signed = /[-+]/.test(this.peek());
      const isFormatted = /[fF]["']|[rR][fF]["']/y.test(this.text.slice(this.position, this.position + 3));
      const key = this.literal();
      this.space();
      if (this.take(":")) {
        if (members.length > 0) throw new PythonSyntaxFailure();
        if (
          signed ||
          isFormatted ||
          (typeof key === "object" && key !== null && !(key instanceof PythonFloat))
        ) {
          throw new PythonSyntaxFailure();
        }
        this.space();
        const value = this.expression();
        if (value === OPAQUE) isOpaque = true;
        entries.set(key, value === OPAQUE ? null : value);
      } else {
        if (entries.size > 0) throw new PythonSyntaxFailure();
        members.push(key);
      }
      this.space();
      if (this.take("}")) break;
      this.expect(",");
      this.space();
    }
    this.depth--;
    if (members.length > 0) this.hasSet = true;
    if (isOpaque) return OPAQUE;
    return members.length === 0 ? entries : members;
  }

  /** One string literal, or several side by side, which are one text. */
  private strings(): string {
    let value = "";
    for (;;) {
      const literal = readStringLiteral(this.text, this.position);
      if (literal === undefined) throw new PythonSyntaxFailure();
      value += literal.value;
      this.position = literal.end;
      const mark = this.position;
      this.space();
      STRING_START.lastIndex = this.position;
      if (!STRING_START.test(this.text)) {
        this.position = mark;
        return value;
      }
    }
  }

  private number(): TemplateValue {
    const digits = this.match(NUMBER);
    // A letter, a digit or a dot right behind is a literal of another kind, or none.
    if (digits === "" || /^[\p{ID_Continue}.]/u.test(this.text.slice(this.position, this.position + 2))) {
      throw new PythonSyntaxFailure();
    }
    if (/^0[xXoObB]/.test(digits) || !/[.eE]/.test(digits)) {
      if (/^0[\d_]*[1-9]/.test(digits)) throw new PythonSyntaxFailure();
      const value = parseIntegerText(digits, 0) ?? parseIntegerText(digits, 10);
      if (value === undefined) throw new PythonSyntaxFailure();
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    return new PythonFloat(parseFloatText(digits) ?? Number.NaN);
  }

  private identifier(): string {
    const name = this.match(IDENTIFIER);
    if (name === "") throw new PythonSyntaxFailure();
    return name.normalize("NFKC");
  }

  private enter(): void {
    if (++this.depth > MAX_DEPTH) throw new PythonSyntaxFailure();
    this.space();
  }

  private space(): void {
    this.match(this.depth > 0 ? SPACE_IN_BRACKETS : SPACE);
  }

  private peek(): string {
    return this.text.charAt(this.position);
  }

  private take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.position++;
    return true;
  }

  private expect(character: string): void {
    if (!this.take(character)) throw new PythonSyntaxFailure();
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.position;
    const [found = ""] = pattern.exec(this.text) ?? [];
    this.position += found.length;
    return found;
  }
}
