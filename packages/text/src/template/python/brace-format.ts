import { fail } from "./failure.ts";
import { isNumber, textOf, typeName } from "./kind.ts";
import { formatMagnitude } from "./number-format.ts";
import { reprString } from "./repr-string.ts";
import { textLength, textSlice } from "./text-index.ts";
import { toRepr, toText } from "./text-form.ts";
import type { KeywordArguments, Value } from "./value.ts";

/** Operands of one `str.format` call, and how the sandbox looks into them. */
export interface FormatOperands {
  readonly positional: readonly Value[];
  readonly keyword: KeywordArguments;
  readonly attribute: (object: Value, name: string) => Value;
  readonly item: (object: Value, key: Value) => Value;
}

/** `text.format(...)`: replacement fields in braces. */
export function formatBraces(text: string, operands: FormatOperands): string {
  return new BraceFormatter(operands).format(text, 2);
}

class BraceFormatter {
  private readonly operands: FormatOperands;
  private automatic = 0;

  constructor(operands: FormatOperands) {
    this.operands = operands;
  }

  format(text: string, depth: number): string {
    if (depth < 0) return fail("Max string recursion exceeded");
    let result = "";
    let index = 0;
    while (index < text.length) {
      const character = text[index] ?? "";
      if (character !== "{" && character !== "}") {
        result += character;
        index++;
      } else if (text[index + 1] === character) {
        result += character;
        index += 2;
      } else if (character === "}") {
        return fail("Single '}' encountered in format string");
      } else {
        const end = fieldEnd(text, index + 1);
        result += this.field(text.slice(index + 1, end), depth);
        index = end + 1;
      }
    }
    return result;
  }

  private field(field: string, depth: number): string {
    const [, path = "", conversion, specification = ""] =
      /^((?:[^[!:]|\[[^\]]*\])*)(?:!([\s\S]))?(?::([\s\S]*))?$/.exec(field) ?? [];
    let value = this.resolve(path);
    if (conversion !== undefined) value = convert(conversion, value);
    return formatValue(value, specification === "" ? "" : this.format(specification, depth - 1));
  }

  private resolve(path: string): Value {
    const [head = ""] = /^[^.[]*/.exec(path) ?? [];
    let value = this.first(head);
    for (const step of path.slice(head.length).matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
      const [, attribute, key = ""] = step;
      value =
        attribute === undefined
          ? this.operands.item(value, /^\d+$/.test(key) ? Number(key) : key)
          : this.operands.attribute(value, attribute);
    }
    return value;
  }

  private first(name: string): Value {
    const key = name === "" ? String(this.automatic++) : name;
    if (!/^\d+$/.test(key)) return this.operands.keyword.get(key) ?? this.missingKey(key);
    const value = this.operands.positional[Number(key)];
    return value === undefined ? fail("tuple index out of range") : value;
  }

  private missingKey(key: string): Value {
    return this.operands.keyword.has(key) ? null : fail(reprString(key));
  }
}

function fieldEnd(text: string, start: number): number {
  let depth = 1;
  for (let index = start; index < text.length; index++) {
    if (text[index] === "{") depth++;
    else if (text[index] === "}" && --depth === 0) return index;
  }
  return fail(
    start === text.length ? "Single '{' encountered in format string" : "expected '}' before end of string",
  );
}

function convert(conversion: string, value: Value): Value {
  if (conversion === "r" || conversion === "a") return toRepr(value);
  return conversion === "s" ? toText(value) : fail(`Unknown conversion specifier ${conversion}`);
}

const SPECIFICATION = /^(?:([\s\S])?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/u;

function formatValue(value: Value, specification: string): string {
  if (specification === "") return toText(value);
  const match = SPECIFICATION.exec(specification);
  if (match === null) return fail("Invalid format specifier");
  const [, fill, align, sign = "-", , alternate, zero, width, grouping = "", precision, type = ""] = match;
  const numeric = isNumber(value) && !(typeof value === "boolean" && type === "");
  const text = numeric ? undefined : plainText(value, type);
  let prefix = "";
  let body: string;
  if (text === undefined) {
    const formatted = formatMagnitude(value, {
      type: type === "" && typeof value !== "object" && Number.isInteger(Number(value)) ? "d" : type,
      precision: precision === undefined ? undefined : Number(precision),
      alternate: alternate !== undefined,
      grouping,
    });
    prefix = formatted.negative ? "-" : sign === "-" ? "" : sign;
    body = formatted.digits;
  } else {
    body = precision === undefined ? text : textSlice(text, 0, Math.min(Number(precision), textLength(text)));
  }
  return alignText(
    { prefix, body, fill: fill ?? (zero === undefined ? " " : "0"), width: Number(width ?? 0) },
    align ?? (numeric ? (zero === undefined ? ">" : "=") : "<"),
  );
}

function plainText(value: Value, type: string): string {
  if (textOf(value) === undefined && typeof value !== "boolean") {
    return fail(`unsupported format string passed to ${typeName(value)}.__format__`);
  }
  if (type !== "" && type !== "s") {
    return fail(`Unknown format code '${type}' for object of type '${typeName(value)}'`);
  }
  return toText(value);
}

function alignText(
  parts: { readonly prefix: string; readonly body: string; readonly fill: string; readonly width: number },
  align: string,
): string {
  const { prefix, body, fill, width } = parts;
  const missing = width - textLength(prefix + body);
  if (missing <= 0) return prefix + body;
  if (align === "=") return prefix + fill.repeat(missing) + body;
  if (align === ">") return fill.repeat(missing) + prefix + body;
  if (align === "<") return prefix + body + fill.repeat(missing);
  const left = Math.floor(missing / 2);
  return fill.repeat(left) + prefix + body + fill.repeat(missing - left);
}
