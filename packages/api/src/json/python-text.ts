import { JsonFloat, type JsonValue } from "./json-value.ts";
import { pythonFloat } from "./number-text.ts";

const PLAIN = /^[ !#-&(-[\]-~]*$/;
const UNPRINTABLE = /^[\p{C}\p{Zl}\p{Zp}\p{Zs}]$/u;

/** A string as Python's `repr` prints it. */
export function pythonStringRepr(text: string): string {
  if (PLAIN.test(text)) return `'${text}'`;
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let result = quote;
  for (const character of text) result += reprCharacter(character, quote);
  return result + quote;
}

function reprCharacter(character: string, quote: string): string {
  if (character === quote || character === "\\") return `\\${character}`;
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  if (character === "\t") return "\\t";
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x20 && code < 0x7f) return character;
  if (code >= 0xa0 && !UNPRINTABLE.test(character) && !(code >= 0xd800 && code <= 0xdfff)) return character;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

/** A value as Python's `repr` prints it: `None`, `True`, `1.0`, `'text'`, `[1, 2]`, `{'a': 1}`. */
export function pythonRepr(value: JsonValue): string {
  if (typeof value === "string") return pythonStringRepr(value);
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(pythonRepr).join(", ")}]`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, member]) => `${pythonStringRepr(key)}: ${pythonRepr(member)}`).join(", ")}}`;
  }
  return pythonStr(value);
}

/** A value as Python's `str` prints it: like {@link pythonRepr}, but a string as it is. */
export function pythonStr(value: JsonValue): string {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (value instanceof JsonFloat) return pythonFloat(value.value);
  if (typeof value === "object") return pythonRepr(value);
  return String(value);
}

/** Name of the Python type that `json.loads` gives for a value. */
export function pythonTypeName(value: JsonValue): string {
  if (value === null) return "NoneType";
  switch (typeof value) {
    case "string":
      return "str";
    case "boolean":
      return "bool";
    case "number":
    case "bigint":
      return "int";
    default:
  }
  if (value instanceof JsonFloat) return "float";
  return value instanceof Map ? "dict" : "list";
}

/** Python's truth of a value: empty strings, lists, objects, zeros, `false` and `null` are false. */
export function isTruthy(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return false;
  if (value instanceof JsonFloat) return value.value !== 0;
  if (value instanceof Map) return value.size > 0;
  if (Array.isArray(value)) return value.length > 0;
  return Boolean(value);
}

/** Length of a string in code points, which is what Python's `len` counts. */
export function codePointLength(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length - 1; index++) {
    const code = text.charCodeAt(index);
    if (code < 0xd800 || code > 0xdbff) continue;
    const low = text.charCodeAt(index + 1);
    if (low >= 0xdc00 && low <= 0xdfff) {
      length--;
      index++;
    }
  }
  return length;
}
