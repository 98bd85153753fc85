import { refuse } from "./syntax-failure.ts";

const SIMPLE: Readonly<Record<string, string>> = {
  "\n": "",
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

const HEX_WIDTH: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

const ESCAPE = /\\([0-7]{1,3}|[\s\S])/gu;

/** The value of a string literal, with the escapes of Python's `unicode-escape` codec. */
export function unescapeString(text: string): string {
  if (!text.includes("\\")) return text;
  let result = "";
  let end = 0;
  ESCAPE.lastIndex = 0;
  for (let match = ESCAPE.exec(text); match !== null; match = ESCAPE.exec(text)) {
    const code = match[1] ?? "";
    result += text.slice(end, match.index);
    const width = HEX_WIDTH[code];
    if (width === undefined) {
      result += unescapeOne(code);
    } else {
      const digits = text.slice(ESCAPE.lastIndex, ESCAPE.lastIndex + width);
      result += unescapeHex(code, digits, width);
      ESCAPE.lastIndex += width;
    }
    end = ESCAPE.lastIndex;
  }
  return result + text.slice(end);
}

function unescapeOne(code: string): string {
  const simple = SIMPLE[code];
  if (simple !== undefined) return simple;
  if (/^[0-7]/.test(code)) return String.fromCharCode(parseInt(code, 8));
  if (code === "N") return refuse("malformed \\N character escape");
  const point = code.codePointAt(0) ?? 0;
  if (point < 0x80) return `\\${code}`;
  // jinja2 first turns what is not ASCII into an escape of its own, which the backslash then disables.
  const hex = point.toString(16);
  if (point <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return point <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

function unescapeHex(code: string, digits: string, width: number): string {
  if (digits.length !== width || /[^0-9a-fA-F]/.test(digits)) {
    return refuse(`truncated \\${code}${"X".repeat(width)} escape`);
  }
  const point = parseInt(digits, 16);
  return point > 0x10ffff ? refuse("illegal Unicode character") : String.fromCodePoint(point);
}
