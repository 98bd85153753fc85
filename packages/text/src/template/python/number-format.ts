import { fail } from "./failure.ts";
import { floatText } from "./float-text.ts";
import { isFloatNumber, typeName } from "./kind.ts";
import { numeric } from "./compare.ts";
import type { Value } from "./value.ts";

/** How a number is written: the shared part of `%` formatting and `str.format`. */
export interface NumberFormat {
  /** `d`, `x`, `X`, `o`, `b`, `e`, `E`, `f`, `F`, `g`, `G`, `%`, `n` or empty for the type's own. */
  readonly type: string;
  /** Digits after the point, or significant digits for `g`; `undefined` for the default of the type. */
  readonly precision: number | undefined;
  /** `0x` and its relatives, and the point in floats without a fraction. */
  readonly alternate: boolean;
  /** Thousands separator, or empty. */
  readonly grouping: string;
}

/** The digits of `|value|` in the given format, and whether the value is negative. */
export function formatMagnitude(
  value: Value,
  format: NumberFormat,
): { readonly negative: boolean; readonly digits: string } {
  const number = numeric(value) ?? fail(`a number is required, not ${typeName(value)}`);
  const isFloat = isFloatNumber(value);
  if (!isFloat && "dxXobn".includes(format.type)) return formatInteger(BigInt(number), format);
  return formatFloat(Number(number), format, isFloat);
}

const RADIX: Readonly<Record<string, number>> = { x: 16, X: 16, o: 8, b: 2 };

function formatInteger(number: bigint, format: NumberFormat): { negative: boolean; digits: string } {
  const radix = RADIX[format.type] ?? 10;
  const negative = number < 0n;
  let digits = (negative ? -number : number).toString(radix);
  if (format.grouping !== "") digits = group(digits, format.grouping, radix === 10 ? 3 : 4);
  if (format.alternate && radix !== 10) digits = `0${format.type.toLowerCase()}${digits}`;
  return { negative, digits: format.type === "X" ? digits.toUpperCase() : digits };
}

function formatFloat(
  value: number,
  format: NumberFormat,
  isFloat: boolean,
): { negative: boolean; digits: string } {
  const negative = value < 0 || Object.is(value, -0);
  const magnitude = Math.abs(value);
  const upper = format.type === "E" || format.type === "G" || format.type === "F";
  let digits = Number.isFinite(magnitude)
    ? finiteDigits(magnitude, format, isFloat)
    : Number.isNaN(magnitude)
      ? "nan"
      : "inf";
  if (format.type === "%") digits += "%";
  return { negative, digits: upper ? digits.toUpperCase() : digits };
}

function finiteDigits(magnitude: number, format: NumberFormat, isFloat: boolean): string {
  const precision = format.precision ?? 6;
  let digits: string;
  switch (format.type.toLowerCase()) {
    case "f":
      digits = fixedDigits(magnitude, precision);
      break;
    case "%":
      digits = fixedDigits(magnitude * 100, precision);
      break;
    case "e":
      digits = pythonExponent(exponentialDigits(magnitude, precision));
      break;
    case "g":
    case "n":
      digits = generalDigits(magnitude, precision, format.alternate);
      break;
    default:
      if (format.precision === undefined) digits = isFloat ? floatText(magnitude) : String(magnitude);
      else digits = withPoint(generalDigits(magnitude, format.precision, format.alternate));
  }
  if (format.grouping === "") return digits;
  const whole = /^\d+/.exec(digits)?.[0] ?? "";
  return group(whole, format.grouping, 3) + digits.slice(whole.length);
}

/** `toFixed` with Python's rounding: exact halves go to the even digit (JavaScript takes them up). */
export function fixedDigits(magnitude: number, precision: number): string {
  if (precision > 75 || magnitude >= 1e21) {
    const whole = BigInt(Math.trunc(magnitude)).toString();
    return precision === 0 ? whole : `${whole}.${"0".repeat(precision)}`;
  }
  const rounded = magnitude.toFixed(precision);
  const exact = magnitude.toFixed(precision + TIE_DIGITS);
  const end = exact.length - TIE_DIGITS;
  return evenAtTie(rounded, exact.slice(0, precision === 0 ? end - 1 : end), exact.slice(end));
}

/** Enough further digits to see that a double lies exactly between two shorter decimals. */
const TIE_DIGITS = 25;

function evenAtTie(rounded: string, truncated: string, rest: string): string {
  const isTie = /^50*$/.test(rest);
  return isTie && /[02468]$/.test(truncated) ? truncated : rounded;
}

/** `toExponential` with Python's rounding. */
function exponentialDigits(magnitude: number, requested: number): string {
  const precision = Math.min(requested, 75);
  const [mantissa = "", power = ""] = magnitude.toExponential(precision).split("e");
  const exact = magnitude.toExponential(precision + TIE_DIGITS);
  const digits = exact.slice(0, exact.indexOf("e"));
  const end = digits.length - TIE_DIGITS;
  return `${evenAtTie(mantissa, digits.slice(0, precision === 0 ? end - 1 : end), digits.slice(end))}e${power}`;
}

function pythonExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function generalDigits(magnitude: number, requested: number, alternate: boolean): string {
  const precision = requested === 0 ? 1 : Math.min(requested, 100);
  const exponent = magnitude === 0 ? 0 : Number(exponentialDigits(magnitude, precision - 1).split("e")[1]);
  const scientific = exponent < -4 || exponent >= precision;
  const digits = scientific
    ? exponentialDigits(magnitude, precision - 1)
    : fixedDigits(magnitude, Math.max(0, precision - 1 - exponent));
  if (alternate) return pythonExponent(digits);
  const [mantissa = "", power] = digits.split("e");
  const trimmed = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return power === undefined ? trimmed : pythonExponent(`${trimmed}e${power}`);
}

function withPoint(digits: string): string {
  return /[.e]/.test(digits) ? digits : `${digits}.0`;
}

function group(digits: string, separator: string, size: number): string {
  const parts: string[] = [];
  for (let end = digits.length; end > 0; end -= size)
    parts.unshift(digits.slice(Math.max(0, end - size), end));
  return parts.join(separator);
}
