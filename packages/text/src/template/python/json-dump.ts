import { compareText, numeric, order } from "./compare.ts";
import { fail } from "./failure.ts";
import { floatText } from "./float-text.ts";
import { isFloatNumber, textOf, typeName } from "./kind.ts";
import { integerText } from "./text-form.ts";
import { Tuple, type Value } from "./value.ts";

/** The options of `json.dumps` that the `tojson` filter passes on. */
export interface JsonDumpOptions {
  /** Escape everything outside ASCII. */
  readonly ensureAscii: boolean;
  /** Text of one level of indentation; `undefined` for one line. */
  readonly indent: string | undefined;
  /** Text between items and between key and value. */
  readonly separators: readonly [item: string, key: string];
  /** Sort the keys of every object. */
  readonly sortKeys: boolean;
}

/** `json.dumps(x)` as the `tojson` filter calls it: one line, nothing escaped beyond JSON's need. */
export const PLAIN_JSON: JsonDumpOptions = {
  ensureAscii: false,
  indent: undefined,
  separators: [", ", ": "],
  sortKeys: false,
};

/** `json.dumps(value, ...)`. */
export function dumpJson(value: Value, options: JsonDumpOptions): string {
  return new JsonWriter(options).write(value, "\n");
}

class JsonWriter {
  private readonly options: JsonDumpOptions;
  private readonly itemSeparator: string;
  private readonly keySeparator: string;

  constructor(options: JsonDumpOptions) {
    this.options = options;
    [this.itemSeparator, this.keySeparator] = options.separators;
  }

  /** Writes one value; `lineStart` is the line break with the indentation of the surrounding level. */
  write(value: Value, lineStart: string): string {
    switch (typeof value) {
      case "string":
        return this.quote(value);
      case "boolean":
        return value ? "true" : "false";
      case "bigint":
        return String(value);
      case "number":
        return Number.isInteger(value) ? integerText(value) : jsonFloat(value);
      default:
    }
    if (value === null) return "null";
    if (value instanceof Map) return this.object(value, lineStart);
    if (Array.isArray(value)) return this.array(value as readonly Value[], lineStart);
    if (value instanceof Tuple) return this.array(value.values, lineStart);
    const text = textOf(value);
    if (text !== undefined) return this.quote(text);
    const number = numeric(value);
    if (number !== undefined) return jsonFloat(Number(number));
    return fail(`Object of type ${typeName(value)} is not JSON serializable`);
  }

  private array(items: readonly Value[], lineStart: string): string {
    if (items.length === 0) return "[]";
    const { indent } = this.options;
    const inner = indent === undefined ? "" : lineStart + indent;
    let result = `[${inner}`;
    for (let index = 0; index < items.length; index++) {
      if (index > 0) result += this.itemSeparator + inner;
      result += this.write(items[index] ?? null, inner);
    }
    return `${result}${indent === undefined ? "" : lineStart}]`;
  }

  private object(map: ReadonlyMap<Value, Value>, lineStart: string): string {
    if (map.size === 0) return "{}";
    const { indent } = this.options;
    const inner = indent === undefined ? "" : lineStart + indent;
    let result = `{${inner}`;
    let first = true;
    for (const [key, item] of this.options.sortKeys ? sortedEntries(map) : map) {
      if (!first) result += this.itemSeparator + inner;
      first = false;
      result += this.quote(typeof key === "string" ? key : keyText(key)) + this.keySeparator;
      result += this.write(item, inner);
    }
    return `${result}${indent === undefined ? "" : lineStart}}`;
  }

  private quote(text: string): string {
    return this.options.ensureAscii ? quoteAscii(text) : quoteJson(text);
  }
}

function sortedEntries(map: ReadonlyMap<Value, Value>): (readonly [Value, Value])[] {
  return [...map].sort(([a], [b]) => {
    if (typeof a === "string" && typeof b === "string") return compareText(a, b);
    return order("lt", a, b) ? -1 : order("lt", b, a) ? 1 : 0;
  });
}

function keyText(key: Value): string {
  const text = textOf(key);
  if (text !== undefined) return text;
  if (key === null) return "null";
  if (typeof key === "boolean") return key ? "true" : "false";
  const number = numeric(key);
  if (number === undefined) {
    return fail(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
  }
  return isFloatNumber(key) ? jsonFloat(Number(number)) : String(number);
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return floatText(value);
}

// oxlint-disable-next-line no-control-regex -- JSON escapes exactly these
const NEEDS_ESCAPE = /["\\\x00-\x1f]/;
const LONE_SURROGATE = /[\ud800-\udfff]/u;

/** A JSON string with `ensure_ascii=False`: only quotes, backslashes and control characters are escaped. */
function quoteJson(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return `"${text}"`;
  if (!LONE_SURROGATE.test(text)) return JSON.stringify(text);
  // JSON.stringify would escape lone surrogates, which Python keeps.
  let result = '"';
  for (const character of text) {
    result += LONE_SURROGATE.test(character) ? character : JSON.stringify(character).slice(1, -1);
  }
  return `${result}"`;
}

function quoteAscii(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
