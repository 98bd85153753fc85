/** A string literal's text and the position after it. */
export interface StringLiteral {
  readonly value: string;
  readonly end: number;
}

const PREFIX = /[a-zA-Z]{0,2}/y;
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(\r?\n)|([\s\S]))/g;
const SIMPLE: Readonly<Record<string, string>> = {
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
/** Escapes that need more behind them than stands there: Python refuses the literal. */
const UNFINISHED = new Set(["x", "u", "U", "N"]);

/**
 * The Python string literal at a position, prefixes `r`, `u` and `f` included. Undefined where it is none, is broken, or is
 * an f-string with something to fill in. Names of characters (`\N{…}`) are not known here and count as broken.
 */
export function readStringLiteral(text: string, start: number): StringLiteral | undefined {
  PREFIX.lastIndex = start;
  const prefix = (PREFIX.exec(text)?.[0] ?? "").toLowerCase();
  const open = start + prefix.length;
  const quote = text.charAt(open);
  const isTriple = text.startsWith(quote.repeat(3), open);
  const mark = isTriple ? quote.repeat(3) : quote;
  const bodyStart = open + mark.length;
  const bodyEnd = findEnd(text, bodyStart, mark);
  if (bodyEnd === undefined) return undefined;
  const raw = text.slice(bodyStart, bodyEnd);
  const body = raw.includes("\r") ? raw.replaceAll(/\r\n?/g, "\n") : raw;
  const plain = prefix.includes("r") ? body : unescape(body);
  const value = prefix.includes("f") && plain !== undefined ? unformat(plain) : plain;
  return value === undefined ? undefined : { value, end: bodyEnd + mark.length };
}

/** What a string on one line may hold, by its quote. */
const LINES: Readonly<Record<string, RegExp>> = {
  "'": /(?:[^'\\\r\n]+|\\(?:\r\n|[^]))*/y,
  '"': /(?:[^"\\\r\n]+|\\(?:\r\n|[^]))*/y,
};

function findEnd(text: string, start: number, mark: string): number | undefined {
  const line = LINES[mark];
  if (line !== undefined) {
    line.lastIndex = start;
    const end = start + (line.exec(text)?.[0].length ?? 0);
    return text.startsWith(mark, end) ? end : undefined;
  }
  for (let index = start; index < text.length; index++) {
    if (text.charAt(index) === "\\") index += text.startsWith("\r\n", index + 1) ? 2 : 1;
    else if (text.startsWith(mark, index)) return index;
  }
  return undefined;
}

function unescape(body: string): string | undefined {
  if (!body.includes("\\")) return body;
  let value = "";
  let end = 0;
  for (const match of body.matchAll(ESCAPE)) {
    const character = escaped(match);
    if (character === undefined) return undefined;
    value += body.slice(end, match.index) + character;
    end = match.index + match[0].length;
  }
  return value + body.slice(end);
}

/** What an escape stands for; undefined for one that is broken, itself for one that is none. */
function escaped(match: RegExpExecArray): string | undefined {
  const [whole, byte, short, long, octal, line, simple = ""] = match;
  if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
  if (line !== undefined) return "";
  const code = byte ?? short ?? long;
  if (code !== undefined) {
    const point = parseInt(code, 16);
    return point > 0x10ffff ? undefined : String.fromCodePoint(point);
  }
  return UNFINISHED.has(simple) ? undefined : (SIMPLE[simple] ?? whole);
}

/** The text of an f-string with nothing to fill in. */
function unformat(text: string): string | undefined {
  const value = text.replaceAll(/\{\{|\}\}/g, (pair) => (pair === "{{" ? "\u0000" : "\u0001"));
  if (/[{}]/.test(value)) return undefined;
  return value.replaceAll("\u0000", "{").replaceAll("\u0001", "}");
}
