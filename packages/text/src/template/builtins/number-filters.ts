import { PythonFloat } from "../template-value.ts";
import { calculate, makeFloat, makeInteger, negate } from "../python/arithmetic.ts";
import { numeric, truthy } from "../python/compare.ts";
import { fail } from "../python/failure.ts";
import { isFloatNumber, textOf, typeName } from "../python/kind.ts";
import { fixedDigits } from "../python/number-format.ts";
import { parseFloatText, parseIntegerText } from "../python/parse-number.ts";
import { toRepr, toText } from "../python/text-form.ts";
import { Undefined } from "../python/undefined.ts";
import type { Value } from "../python/value.ts";
import { define, type Bound, type Filter } from "./definition.ts";

function toInteger([value = null, fallback = 0, base = 10]: Bound): Value {
  const text = textOf(value);
  if (text !== undefined) {
    const parsed = parseIntegerText(text, Number(numeric(base)));
    if (parsed !== undefined) return makeInteger(parsed);
    const float = parseFloatText(text);
    return float === undefined || !Number.isFinite(float) ? fallback : truncated(float);
  }
  if (value instanceof Undefined) return value.raise();
  const number = numeric(value);
  if (number === undefined) return fallback;
  if (typeof number === "bigint") return makeInteger(number);
  // int(inf) is an OverflowError, which the filter does not catch for the first conversion.
  if (number === Infinity || number === -Infinity) return fail("cannot convert float infinity to integer");
  return Number.isNaN(number) ? fallback : truncated(number);
}

function truncated(number: number): Value {
  const whole = Math.trunc(number);
  return Number.isSafeInteger(whole) ? whole + 0 : makeInteger(BigInt(whole));
}

function toFloat([value = null, fallback = new PythonFloat(0)]: Bound): Value {
  const text = textOf(value);
  if (text !== undefined) {
    const parsed = parseFloatText(text);
    return parsed === undefined ? fallback : makeFloat(parsed);
  }
  if (value instanceof Undefined) return value.raise();
  const number = numeric(value);
  return number === undefined ? fallback : makeFloat(Number(number));
}

function round([value = null, precision = 0, method = "common"]: Bound): Value {
  const way = toText(method);
  if (way !== "common" && way !== "ceil" && way !== "floor") {
    return fail("method must be common, ceil or floor");
  }
  const number = numeric(value);
  if (number === undefined) {
    if (way !== "common" && value instanceof Undefined) return value.raise();
    return fail(
      way === "common"
        ? `type ${typeName(value)} doesn't define __round__ method`
        : `must be real number, not ${typeName(value)}`,
    );
  }
  const digits = Number(numeric(precision));
  if (way === "common")
    return isFloatNumber(value)
      ? makeFloat(roundFloat(Number(number), digits))
      : roundInteger(number, digits);
  const scale = calculate("**", 10, digits);
  const scaled = Number(numeric(calculate("*", value, scale)));
  const whole = way === "ceil" ? Math.ceil(scaled) : Math.floor(scaled);
  return calculate("/", makeInteger(BigInt(whole)), scale);
}

/** `round(x, digits)` of a float: the decimal digits of the exact value, halves to even. */
function roundFloat(number: number, digits: number): number {
  if (!Number.isFinite(number)) return number;
  if (digits > 22) return number;
  if (digits > 0) return Number(exactFixed(number, digits));
  const scale = 10 ** -digits;
  const scaled = number / scale;
  const floor = Math.floor(scaled);
  const difference = scaled - floor;
  const up = difference > 0.5 || (difference === 0.5 && floor % 2 !== 0);
  return (up ? floor + 1 : floor) * scale;
}

function exactFixed(number: number, digits: number): string {
  const text = fixedDigits(Math.abs(number), digits);
  return number < 0 ? `-${text}` : text;
}

function roundInteger(number: number | bigint, digits: number): Value {
  if (digits >= 0) return makeInteger(BigInt(number));
  const scale = 10n ** BigInt(-digits);
  const value = BigInt(number);
  const remainder = ((value % scale) + scale) % scale;
  const floor = value - remainder;
  const doubled = remainder * 2n;
  const up = doubled > scale || (doubled === scale && (floor / scale) % 2n !== 0n);
  return makeInteger(up ? floor + scale : floor);
}

function absolute([value = null]: Bound): Value {
  if (value instanceof Undefined) return fail("bad operand type for abs(): 'Undefined'");
  const number = numeric(value) ?? fail(`bad operand type for abs(): '${typeName(value)}'`);
  if (typeof value === "boolean") return Number(value);
  return number < 0 ? negate("-", value) : isFloatNumber(value) ? makeFloat(Math.abs(Number(number))) : value;
}

/** `float(x)`. */
function floatOf(value: Value): number {
  const text = textOf(value);
  if (text !== undefined) {
    return parseFloatText(text) ?? fail(`could not convert string to float: ${toRepr(value)}`);
  }
  if (value instanceof Undefined) return value.raise();
  return Number(
    numeric(value) ?? fail(`float() argument must be a string or a real number, not '${typeName(value)}'`),
  );
}

const DECIMAL_UNITS = ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const BINARY_UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

function fileSize([value = null, binary = false]: Bound): Value {
  const bytes = floatOf(value);
  const base = truthy(binary) ? 1024 : 1000;
  const units = truthy(binary) ? BINARY_UNITS : DECIMAL_UNITS;
  if (bytes === 1) return "1 Byte";
  if (bytes < base) return `${Math.trunc(bytes)} Bytes`;
  let unit = base;
  for (const [index, name] of units.entries()) {
    unit = base ** (index + 2);
    if (bytes < unit) return `${fixedDigits((base * bytes) / unit, 1)} ${name}`;
  }
  return `${fixedDigits((base * bytes) / unit, 1)} ${units.at(-1)}`;
}

/** Filters that make numbers. */
export const NUMBER_FILTERS: readonly (readonly [name: string, filter: Filter])[] = [
  ["abs", define("abs x", absolute)],
  ["filesizeformat", define("do_filesizeformat value binary=", fileSize)],
  ["float", define("do_float value default=", toFloat)],
  ["int", define("do_int value default= base=", toInteger)],
  ["round", define("do_round value precision= method=", round)],
];
