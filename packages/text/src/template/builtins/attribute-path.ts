import { getItem } from "../python/attributes.ts";
import { textOf } from "../python/kind.ts";
import { Undefined } from "../python/undefined.ts";
import type { Value } from "../python/value.ts";

/** Reads one thing out of each item of a sequence. */
export type Getter = (item: Value) => Value;

/** Lower-cases strings, so that sorting and grouping ignore case. */
export function ignoreCase(value: Value): Value {
  return textOf(value)?.toLowerCase() ?? value;
}

/** `attribute="a.b.0"` of the sequence filters: a path of keys; the whole item without one. */
export function attributeGetter(attribute: Value | undefined, fallback?: Value): Getter {
  const parts = pathParts(attribute);
  return (item) => {
    let value = item;
    for (const part of parts) {
      value = getItem(value, part);
      if (fallback !== undefined && fallback !== null && value instanceof Undefined) value = fallback;
    }
    return value;
  };
}

/** The path of an `attribute=` argument as keys. */
function pathParts(attribute: Value | undefined): readonly Value[] {
  if (attribute === undefined || attribute === null) return [];
  const text = textOf(attribute);
  if (text === undefined) return [attribute];
  return text.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
