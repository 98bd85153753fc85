import { fail } from "./failure.ts";
import { floatText } from "./float-text.ts";
import { reprString } from "./repr-string.ts";
import { PythonObject, type Value } from "./value.ts";

/** `str(x)`. */
export function toText(value: Value): string {
  if (typeof value === "string") return value;
  return value instanceof PythonObject ? value.str(toRepr) : toRepr(value);
}

/** `repr(x)`. */
export function toRepr(value: Value): string {
  switch (typeof value) {
    case "string":
      return reprString(value);
    case "boolean":
      return value ? "True" : "False";
    case "bigint":
      return bigIntegerText(value);
    case "number":
      return Number.isInteger(value) ? integerText(value) : floatText(value);
    default:
  }
  if (value === null) return "None";
  if (value instanceof PythonObject) return value.repr(toRepr);
  if (value instanceof Map) return mappingRepr(value);
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(toRepr).join(", ")}]`;
  return floatText((value as { value: number }).value);
}

/** The decimal digits of an integer held in a `number`. */
export function integerText(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : String(BigInt(value));
}

/** Python refuses to print longer integers, since that takes quadratic time. */
const LONGEST_INTEGER = 10n ** 4300n;

function bigIntegerText(value: bigint): string {
  if (value < LONGEST_INTEGER && value > -LONGEST_INTEGER) return String(value);
  return fail(
    "Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit",
  );
}

function mappingRepr(map: ReadonlyMap<Value, Value>): string {
  const parts: string[] = [];
  for (const [key, item] of map) parts.push(`${toRepr(key)}: ${toRepr(item)}`);
  return `{${parts.join(", ")}}`;
}
