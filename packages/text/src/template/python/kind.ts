import type { FloatValue } from "../template-value.ts";
import { Markup, PythonObject, type Value } from "./value.ts";

/** A dict. */
export function isMapping(value: Value): value is ReadonlyMap<Value, Value> {
  return value instanceof Map;
}

/** A boxed float (one whose value is a whole number, or one that came from JSON). */
export function isFloat(value: Value): value is FloatValue {
  return typeof value === "object" && value !== null && (value as { isFloat?: unknown }).isFloat === true;
}

/** `isinstance(x, int)` without the booleans. */
export function isInteger(value: Value): value is number | bigint {
  return typeof value === "number" ? Number.isInteger(value) : typeof value === "bigint";
}

/** `isinstance(x, float)`. */
export function isFloatNumber(value: Value): boolean {
  return typeof value === "number" ? !Number.isInteger(value) : isFloat(value);
}

/** `isinstance(x, Number)`, booleans included. */
export function isNumber(value: Value): boolean {
  return (
    typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" || isFloat(value)
  );
}

/** The characters of a string value (`str` or `Markup`); `undefined` for other types. */
export function textOf(value: Value): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Markup ? value.text : undefined;
}

/** `type(x).__name__`. */
export function typeName(value: Value): string {
  switch (typeof value) {
    case "string":
      return "str";
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return Number.isInteger(value) ? "int" : "float";
    default:
  }
  if (value === null) return "NoneType";
  if (Array.isArray(value)) return "list";
  if (value instanceof Map) return "dict";
  if (value instanceof PythonObject) return value.typeName;
  return "float";
}
