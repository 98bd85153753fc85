import { fail } from "./failure.ts";
import { isFloatNumber, isMapping, isNumber, textOf, typeName } from "./kind.ts";
import { formatMagnitude } from "./number-format.ts";
import { lookup, numeric } from "./compare.ts";
import { reprString } from "./repr-string.ts";
import { textLength, textSlice } from "./text-index.ts";
import { toRepr, toText } from "./text-form.ts";
import { Undefined } from "./undefined.ts";
import { Tuple, type Value } from "./value.ts";

const DIRECTIVE = /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]?([\s\S])?/g;

/** `text % right`: printf-style formatting. */
export function formatPercent(text: string, right: Value): string {
  const operands = new Operands(right);
  let result = "";
  let end = 0;
  for (const match of text.matchAll(DIRECTIVE)) {
    result += text.slice(end, match.index) + formatDirective(match, operands);
    end = match.index + match[0].length;
  }
  operands.finish();
  return result + text.slice(end);
}

/** Hands out the operands of one formatting, by position or by key. */
class Operands {
  private readonly values: readonly Value[];
  private readonly mapping: ReadonlyMap<Value, Value> | undefined;
  private readonly complete: boolean;
  private position = 0;

  constructor(right: Value) {
    this.values = right instanceof Tuple ? right.values : [right];
    this.mapping = isMapping(right) ? right : undefined;
    // Anything that can be subscribed may be left unused; a string and a tuple may not.
    this.complete = this.mapping !== undefined || Array.isArray(right) || right instanceof Undefined;
  }

  next(): Value {
    const value = this.values[this.position++];
    return value === undefined ? fail("not enough arguments for format string") : value;
  }

  byKey(key: string): Value {
    if (this.mapping === undefined) return fail("format requires a mapping");
    const value = lookup(this.mapping, key);
    return value === undefined ? fail(reprString(key)) : value;
  }

  finish(): void {
    if (this.position < this.values.length && !this.complete) {
      fail("not all arguments converted during string formatting");
    }
  }
}

function formatDirective(match: RegExpExecArray, operands: Operands): string {
  const [directive, key, flags = "", width, precision, type] = match;
  if (type === undefined) return fail("incomplete format");
  if (type === "%") return "%";
  const widthNumber = width === "*" ? starOperand(operands) : Number(width ?? 0);
  const hasPrecision = directive.includes(".") && !(key ?? "").includes(".");
  const precisionNumber = precision === "*" ? starOperand(operands) : Number(precision ?? 0);
  const value = key === undefined ? operands.next() : operands.byKey(key);
  const index = match.index + directive.length - 1;
  const options = { flags, precision: hasPrecision ? precisionNumber : undefined, index };
  const left = flags.includes("-") || widthNumber < 0;
  return pad(convert(type, value, options), {
    width: Math.abs(widthNumber),
    left,
    zero: flags.includes("0"),
  });
}

function starOperand(operands: Operands): number {
  const value = operands.next();
  return typeof value === "number" ? value : fail("* wants int");
}

interface Converted {
  readonly sign: string;
  readonly body: string;
  readonly isNumber: boolean;
}

interface ConversionOptions {
  readonly flags: string;
  readonly precision: number | undefined;
  /** Where the type character stands in the format. */
  readonly index: number;
}

function convert(type: string, value: Value, options: ConversionOptions): Converted {
  switch (type) {
    case "s":
    case "r":
    case "a": {
      const text = type === "s" ? toText(value) : toRepr(value);
      const body =
        options.precision === undefined
          ? text
          : textSlice(text, 0, Math.min(options.precision, textLength(text)));
      return { sign: "", body, isNumber: false };
    }
    case "c":
      return { sign: "", body: characterOf(value), isNumber: false };
    case "d":
    case "i":
    case "u":
      return convertNumber("d", wholeNumber(type, value), options);
    case "x":
    case "X":
    case "o":
      if (isFloatNumber(value) || !isNumber(value)) {
        return fail(`%${type} format: an integer is required, not ${typeName(value)}`);
      }
      return convertNumber(type, value, options);
    case "e":
    case "E":
    case "f":
    case "F":
    case "g":
    case "G":
      if (!isNumber(value)) return fail(`must be real number, not ${typeName(value)}`);
      return convertNumber(type, value, options);
    default:
      return fail(
        `unsupported format character '${type}' (0x${(type.codePointAt(0) ?? 0).toString(16)}) at index ${options.index}`,
      );
  }
}

function wholeNumber(type: string, value: Value): Value {
  if (!isNumber(value)) return fail(`%${type} format: a real number is required, not ${typeName(value)}`);
  return isFloatNumber(value) ? BigInt(Math.trunc(Number(numeric(value)))) : value;
}

function characterOf(value: Value): string {
  const text = textOf(value);
  if (text !== undefined && textLength(text) === 1) return text;
  return typeof value === "number" ? String.fromCodePoint(value) : fail("%c requires int or char");
}

function convertNumber(type: string, value: Value, options: ConversionOptions): Converted {
  const { negative, digits } = formatMagnitude(value, {
    type,
    precision: options.precision,
    alternate: options.flags.includes("#"),
    grouping: "",
  });
  const isWhole = "dxXo".includes(type);
  const body = isWhole ? digits.padStart(options.precision ?? 0, "0") : digits;
  const positive = options.flags.includes("+") ? "+" : options.flags.includes(" ") ? " " : "";
  return { sign: negative ? "-" : positive, body, isNumber: true };
}

function pad(
  converted: Converted,
  options: { readonly width: number; readonly left: boolean; readonly zero: boolean },
): string {
  const { sign, body, isNumber: isNumeric } = converted;
  const missing = options.width - textLength(sign + body);
  if (missing <= 0) return sign + body;
  if (options.left) return sign + body + " ".repeat(missing);
  return options.zero && isNumeric ? sign + "0".repeat(missing) + body : " ".repeat(missing) + sign + body;
}
