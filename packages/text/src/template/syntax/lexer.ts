import { TextError } from "../../text-error.ts";
import type { Value } from "../python/value.ts";
import { makeFloat, makeInteger } from "../python/arithmetic.ts";
import { textLength } from "../python/text-index.ts";
import { reprString } from "../python/repr-string.ts";
import { unescapeString } from "./string-literal.ts";
import { refuse } from "./syntax-failure.ts";

/** Kinds of tokens: operators by jinja2's names, and the rest. */
export type TokenKind = string;

/** One token of a template. */
export interface Token {
  readonly kind: TokenKind;
  /** Text of a name, data or operator. */
  readonly text: string;
  /** Value of a string, integer or float. */
  readonly value: Value;
  readonly line: number;
}

const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

const OPERATORS: ReadonlyMap<string, string> = new Map([
  ["+", "add"],
  ["-", "sub"],
  ["/", "div"],
  ["//", "floordiv"],
  ["*", "mul"],
  ["%", "mod"],
  ["**", "pow"],
  ["~", "tilde"],
  ["[", "lbracket"],
  ["]", "rbracket"],
  ["(", "lparen"],
  [")", "rparen"],
  ["{", "lbrace"],
  ["}", "rbrace"],
  ["==", "eq"],
  ["!=", "ne"],
  [">", "gt"],
  [">=", "gteq"],
  ["<", "lt"],
  ["<=", "lteq"],
  ["=", "assign"],
  [".", "dot"],
  [":", "colon"],
  ["|", "pipe"],
  [",", "comma"],
  [";", "semicolon"],
]);

const OPERATOR_TEXT = new Map([...OPERATORS].map(([text, kind]) => [kind, text]));

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  block_begin: "begin of statement block",
  block_end: "end of statement block",
  variable_begin: "begin of print statement",
  variable_end: "end of print statement",
  data: "template data / text",
  eof: "end of template",
};

/** How jinja2 names a kind of token in its messages. */
export function describeKind(kind: TokenKind): string {
  return OPERATOR_TEXT.get(kind) ?? DESCRIPTIONS[kind] ?? kind;
}

/** How jinja2 names a token in its messages. */
export function describeToken(token: Token): string {
  return token.kind === "name" ? token.text : describeKind(token.kind);
}

const BLOCK_END = new RegExp(`\\+%\\}|-%\\}${SPACE}*|%\\}\\n?`, "y");
const VARIABLE_END = new RegExp(`-\\}\\}${SPACE}*|\\}\\}`, "y");
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}${SPACE}*|#\\}\\n?`, "g");
const RAW_BEGIN = new RegExp(`\\{%([-+]?)${SPACE}*raw${SPACE}*(?:-%\\}${SPACE}*|%\\})`, "y");
const RAW_END = new RegExp(`\\{%([-+]?)${SPACE}*endraw${SPACE}*(?:\\+%\\}|-%\\}${SPACE}*|%\\}\\n?)`, "g");
const TAG_BEGIN = /\{%|\{\{|\{#/g;

const WHITESPACE = new RegExp(`${SPACE}+`, "y");
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const NAME = /[\p{ID_Continue}\p{N}]+/uy;
const IDENTIFIER = /^[\p{ID_Start}_]\p{ID_Continue}*$/u;
const STRING = /'[^'\\]*(?:\\[\s\S][^'\\]*)*'|"[^"\\]*(?:\\[\s\S][^"\\]*)*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,;]/y;

const CLOSING: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };

/**
 * Cuts a template into tokens, the last one `eof`, or `error` with a message where it cannot be cut further; with `trim_blocks` and `lstrip_blocks` on.
 */
export function tokenize(template: string): Token[] {
  return new Lexer(template).run();
}

class Lexer {
  private readonly source: string;
  private readonly tokens: Token[] = [];
  private position = 0;
  private line = 1;
  /** Whether the text so far ends a line, so that a following tag starts one. */
  private lineStarting = true;

  constructor(template: string) {
    const normalized = template.replace(/\r\n|\r/g, "\n");
    this.source = normalized.endsWith("\n") ? normalized.slice(0, -1) : normalized;
  }

  run(): Token[] {
    try {
      while (this.position < this.source.length) this.root();
      this.push("eof", "");
    } catch (error) {
      if (!(error instanceof TextError)) throw error;
      // jinja2 cuts and parses in turn: the parser may find something to refuse before it comes to this.
      this.push("error", error.message);
    }
    return this.tokens;
  }

  private push(kind: TokenKind, text: string, value: Value = null): void {
    this.tokens.push({ kind, text, value, line: this.line });
  }

  private advance(text: string): void {
    this.position += text.length;
    this.line += countNewlines(text);
    this.lineStarting = text.endsWith("\n");
  }

  /** Plain text up to the next tag, then the tag. */
  private root(): void {
    TAG_BEGIN.lastIndex = this.position;
    const begin = TAG_BEGIN.exec(this.source);
    if (begin === null) {
      this.data(this.source.slice(this.position));
      this.position = this.source.length;
      return;
    }
    const text = this.source.slice(this.position, begin.index);
    const raw = matchAt(RAW_BEGIN, this.source, begin.index);
    const opening = begin[0];
    const sign = raw?.[1] ?? signAt(this.source, begin.index + 2);
    this.data(this.leftStripped(text, { sign, isVariable: opening === "{{" }));
    this.line += countNewlines(text);
    this.position = begin.index;
    if (raw !== null) return this.raw(raw[0]);
    this.advance(opening + sign);
    if (opening === "{#") return this.comment();
    return this.tag(opening === "{%" ? "block" : "variable");
  }

  private data(text: string): void {
    if (text !== "") this.push("data", text);
  }

  /** What `-` and `lstrip_blocks` leave of the text before a tag. */
  private leftStripped(text: string, tag: { readonly sign: string; readonly isVariable: boolean }): string {
    if (tag.sign === "-") return text.replace(TRAILING_SPACE, "");
    if (tag.sign === "+" || tag.isVariable) return text;
    const lineStart = text.lastIndexOf("\n") + 1;
    if (lineStart === 0 && !this.lineStarting) return text;
    return ALL_SPACE.test(text.slice(lineStart)) ? text.slice(0, lineStart) : text;
  }

  private comment(): void {
    COMMENT_END.lastIndex = this.position;
    const end = COMMENT_END.exec(this.source);
    if (end === null) {
      if (this.position < this.source.length) refuse("Missing end of comment tag");
      return;
    }
    this.advance(this.source.slice(this.position, end.index + end[0].length));
  }

  private raw(opening: string): void {
    this.advance(opening);
    RAW_END.lastIndex = this.position;
    const end = RAW_END.exec(this.source);
    if (end === null) {
      if (this.position < this.source.length) refuse("Missing end of raw directive");
      return;
    }
    const text = this.source.slice(this.position, end.index);
    this.data(this.leftStripped(text, { sign: end[1] ?? "", isVariable: false }));
    this.advance(text + end[0]);
  }

  /** The inside of a statement or a print tag, up to its end. */
  private tag(kind: "block" | "variable"): void {
    this.push(`${kind}_begin`, "");
    const endPattern = kind === "block" ? BLOCK_END : VARIABLE_END;
    const open: string[] = [];
    while (this.position < this.source.length) {
      if (open.length === 0) {
        const end = matchAt(endPattern, this.source, this.position);
        if (end !== null) {
          this.push(`${kind}_end`, "");
          this.advance(end[0]);
          return;
        }
      }
      this.expressionToken(open);
    }
  }

  private expressionToken(open: string[]): void {
    const space = this.match(WHITESPACE);
    if (space !== undefined) return this.advance(space);
    const float = this.match(FLOAT);
    if (float !== undefined)
      return this.literal("float", float, makeFloat(Number(float.replaceAll("_", ""))));
    const integer = this.match(INTEGER);
    if (integer !== undefined) {
      return this.literal("integer", integer, makeInteger(BigInt(integer.replaceAll("_", ""))));
    }
    const name = this.match(NAME);
    if (name !== undefined) {
      if (!IDENTIFIER.test(name)) return refuse("Invalid character in identifier");
      return this.literal("name", name, null);
    }
    const string = this.match(STRING);
    if (string !== undefined) return this.literal("string", string, unescapeString(string.slice(1, -1)));
    const operator = this.match(OPERATOR);
    if (operator === undefined) {
      const character = String.fromCodePoint(this.source.codePointAt(this.position) ?? 0);
      return refuse(
        `unexpected char ${reprString(character)} at ${textLength(this.source.slice(0, this.position))}`,
      );
    }
    this.balance(operator, open);
    this.literal(OPERATORS.get(operator) ?? operator, operator, null);
  }

  private match(pattern: RegExp): string | undefined {
    return matchAt(pattern, this.source, this.position)?.[0];
  }

  private literal(kind: TokenKind, text: string, value: Value): void {
    this.push(kind, text, value);
    this.advance(text);
  }

  private balance(operator: string, open: string[]): void {
    const closing = CLOSING[operator];
    if (closing !== undefined) {
      open.push(closing);
    } else if (operator === "}" || operator === ")" || operator === "]") {
      const expected = open.pop();
      if (expected === undefined) refuse(`unexpected '${operator}'`);
      if (expected !== operator) refuse(`unexpected '${operator}', expected '${expected}'`);
    }
  }
}

const TRAILING_SPACE = new RegExp(`${SPACE}+$`);
const ALL_SPACE = new RegExp(`^${SPACE}+$`);

function matchAt(pattern: RegExp, source: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(source);
}

function signAt(source: string, position: number): string {
  const sign = source[position] ?? "";
  return sign === "-" || sign === "+" ? sign : "";
}

function countNewlines(text: string): number {
  let count = 0;
  for (let index = text.indexOf("\n"); index !== -1; index = text.indexOf("\n", index + 1)) count++;
  return count;
}
