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
      return String(value);
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

function mappingRepr(map: ReadonlyMap<Value, Value>): string {
  const parts: string[] = [];
  for (const [key, item] of map) parts.push(`${toRepr(key)}: ${toRepr(item)}`);
  return `{${parts.join(", ")}}`;
}
