import { fail } from "./failure.ts";
import { textOf, typeName } from "./kind.ts";
import { textCharacters, textLength } from "./text-index.ts";
import { PythonObject, type Value } from "./value.ts";

/** All items of `iter(x)`, or `undefined` when the value is not iterable. Drains a generator. */
export function itemsOf(value: Value): readonly Value[] | undefined {
  if (Array.isArray(value)) return value as readonly Value[];
  if (value instanceof Map) return [...value.keys()];
  const text = textOf(value);
  if (text !== undefined) return textCharacters(text);
  return value instanceof PythonObject ? value.items() : undefined;
}

/** All items of `iter(x)`; fails as Python does when the value is not iterable. */
export function iterate(value: Value): readonly Value[] {
  return itemsOf(value) ?? fail(`'${typeName(value)}' object is not iterable`);
}

/** `len(x)`, or `undefined` when the type has none. */
export function lengthOf(value: Value): number | undefined {
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  const text = textOf(value);
  if (text !== undefined) return textLength(text);
  return value instanceof PythonObject ? value.length() : undefined;
}

/** `len(x)`; fails as Python does. */
export function length(value: Value): number {
  return lengthOf(value) ?? fail(`object of type '${typeName(value)}' has no len()`);
}
