import { formatBraces } from "./brace-format.ts";
import { checkArity } from "./arguments.ts";
import { checkHashable, equals, lookup } from "./compare.ts";
import { escapeHtml } from "./html.ts";
import { fail } from "./failure.ts";
import { isFloatNumber, isInteger, textOf, typeName } from "./kind.ts";
import { reprString } from "./repr-string.ts";
import { stringMethod, type StringMethod } from "./string-methods.ts";
import { sliceBounds, textAt, textCharacters, textLength, textSlice } from "./text-index.ts";
import { Undefined } from "./undefined.ts";
import { makeFloat } from "./arithmetic.ts";
import { numeric } from "./compare.ts";
import {
  DictView,
  Markup,
  NativeFunction,
  PythonObject,
  Range,
  Tuple,
  type KeywordArguments,
  type Value,
} from "./value.ts";

/** Attributes every Python object has; the sandbox refuses them all. */
const OBJECT_ATTRIBUTES = new Set(
  (
    "class delattr dir doc eq format ge getattribute getstate gt hash init init_subclass le lt ne new reduce " +
    "reduce_ex repr setattr sizeof str subclasshook"
  )
    .split(" ")
    .map((name) => `__${name}__`),
);
const CONTAINER_ATTRIBUTES = new Set(["__len__", "__iter__", "__getitem__", "__contains__"]);

/** Methods of `list` that change it: the sandbox refuses them. */
const LIST_MUTATORS = new Set(["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"]);
/** Methods of `dict` that change it. */
const DICT_MUTATORS = new Set(["clear", "pop", "popitem", "setdefault", "update"]);

/** Names for which `getattr` of a dict finds a method before any key. */
export const DICT_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...DICT_MUTATORS,
  "get",
  "items",
  "keys",
  "values",
  "copy",
  "fromkeys",
]);

type Method = (self: Value, args: readonly Value[]) => Value;

interface MethodEntry {
  readonly arity: { readonly least: number; readonly most: number };
  readonly run: Method;
}

function entry(least: number, most: number, run: Method): MethodEntry {
  return { arity: { least, most }, run };
}

const DICT_METHODS: ReadonlyMap<string, MethodEntry> = new Map([
  ["items", entry(0, 0, (self) => new DictView("items", self as ReadonlyMap<Value, Value>))],
  ["keys", entry(0, 0, (self) => new DictView("keys", self as ReadonlyMap<Value, Value>))],
  ["values", entry(0, 0, (self) => new DictView("values", self as ReadonlyMap<Value, Value>))],
  ["copy", entry(0, 0, (self) => new Map(self as ReadonlyMap<Value, Value>))],
  [
    "get",
    entry(1, 2, (self, [key = null, fallback = null]) => {
      checkHashable(key);
      const found = lookup(self as ReadonlyMap<Value, Value>, key);
      return found === undefined ? fallback : found;
    }),
  ],
]);

const SEQUENCE_METHODS: ReadonlyMap<string, MethodEntry> = new Map([
  [
    "count",
    entry(1, 1, (self, [value = null]) => sequence(self).filter((item) => equals(item, value)).length),
  ],
  [
    "index",
    entry(1, 3, (self, [value = null, start = 0, stop = null]) => {
      const items = sequence(self);
      const [from, to] = sliceBounds(
        { start: Number(start), stop: stop === null ? undefined : Number(stop), step: 1 },
        items.length,
      );
      for (let index = from; index < to; index++) if (equals(items[index] ?? null, value)) return index;
      return fail(
        self instanceof Tuple ? "tuple.index(x): x not in tuple" : `${displayed(value)} is not in list`,
      );
    }),
  ],
]);

const LIST_METHODS: ReadonlyMap<string, MethodEntry> = new Map([
  ...SEQUENCE_METHODS,
  ["copy", entry(0, 0, (self) => [...sequence(self)])],
]);

const NUMBER_METHODS: ReadonlyMap<string, MethodEntry> = new Map([
  ["is_integer", entry(0, 0, (self) => Number.isInteger(Number(numeric(self))))],
  [
    "bit_length",
    entry(0, 0, (self) =>
      self === 0
        ? 0
        : BigInt(numeric(self) ?? 0)
            .toString(2)
            .replace("-", "").length,
    ),
  ],
  ["conjugate", entry(0, 0, (self) => self)],
]);

function sequence(value: Value): readonly Value[] {
  if (value instanceof Tuple || value instanceof Range) return value.items();
  return value as readonly Value[];
}

function displayed(value: Value): string {
  return typeof value === "string" ? reprString(value) : String(numeric(value) ?? typeName(value));
}

/** The method of `str` with this name; `undefined` when there is none. */
export function findStringMethod(name: string): StringMethod | undefined {
  return name === "format" || name === "format_map" ? formatMethod(name) : stringMethod(name);
}

function formatMethod(name: "format" | "format_map"): StringMethod {
  return (text, positional, keyword) => {
    if (name === "format") return formatBraces(text, operands(positional, keyword));
    if (keyword.size > 0) return fail("format_map() takes no keyword arguments");
    const [mapping] = positional;
    if (positional.length !== 1 || !(mapping instanceof Map)) {
      return fail(`format_map() takes exactly one argument (${positional.length} given)`);
    }
    return formatBraces(text, operands([], mapping as KeywordArguments));
  };
}

function operands(
  positional: readonly Value[],
  keyword: KeywordArguments,
): Parameters<typeof formatBraces>[1] {
  return { positional, keyword, attribute: getAttribute, item: getItem };
}

/** `obj.name` as the sandboxed environment looks it up: the attribute first, then the item. */
export function getAttribute(object: Value, name: string): Value {
  const attribute = findAttribute(object, name);
  if (attribute !== undefined) return attribute;
  const item = findItem(object, name);
  return item === undefined ? new Undefined({ object, name }) : item;
}

/** `obj[key]` as the sandboxed environment looks it up: the item first, then the attribute. */
export function getItem(object: Value, key: Value): Value {
  const item = findItem(object, key);
  if (item !== undefined) return item;
  const name = textOf(key);
  const attribute = name === undefined ? undefined : findAttribute(object, name);
  return attribute === undefined ? new Undefined({ object, name: key }) : attribute;
}

/** Python's `getattr`, and the sandbox's refusal of unsafe names; `undefined` when there is no attribute. */
function findAttribute(object: Value, name: string): Value | undefined {
  if (object instanceof Undefined) return object.raise();
  if (name.startsWith("__") && hasSpecialAttribute(object, name)) return unsafe(object, name);
  if (object instanceof Map) {
    if (DICT_MUTATORS.has(name)) return unsafe(object, name);
    return bind(object, name, DICT_METHODS.get(name));
  }
  if (Array.isArray(object)) {
    if (LIST_MUTATORS.has(name)) return unsafe(object, name);
    return bind(object, name, LIST_METHODS.get(name));
  }
  const text = textOf(object);
  if (text !== undefined) return bindStringMethod(object, text, name);
  if (object instanceof PythonObject) {
    const attribute = object.attribute(name);
    if (attribute !== undefined) return name.startsWith("_") ? unsafe(object, name) : attribute;
    return object instanceof Tuple || object instanceof Range
      ? bind(object, name, SEQUENCE_METHODS.get(name))
      : undefined;
  }
  return numberAttribute(object, name);
}

function hasSpecialAttribute(object: Value, name: string): boolean {
  if (OBJECT_ATTRIBUTES.has(name)) return true;
  const isContainer =
    object instanceof Map || Array.isArray(object) || object instanceof Tuple || textOf(object) !== undefined;
  return isContainer && CONTAINER_ATTRIBUTES.has(name);
}

function unsafe(object: Value, name: string): Undefined {
  const hint = `access to attribute ${reprString(name)} of ${reprString(typeName(object))} object is unsafe.`;
  return new Undefined({ hint, object, name });
}

function bind(self: Value, name: string, method: MethodEntry | undefined): NativeFunction | undefined {
  if (method === undefined) return undefined;
  const description = { type: typeName(self), name, arity: method.arity };
  return new NativeFunction(name, (positional, keyword) => {
    checkArity(description, positional.length, keyword);
    return method.run(self, positional);
  });
}

function bindStringMethod(object: Value, text: string, name: string): NativeFunction | undefined {
  const method = findStringMethod(name);
  if (method === undefined) return undefined;
  if (!(object instanceof Markup)) {
    return new NativeFunction(name, (positional, keyword) => method(text, positional, keyword));
  }
  // Markup escapes plain text arguments and marks the results as safe again.
  return new NativeFunction(name, (positional, keyword) => {
    const escaped = positional.map((value) => (typeof value === "string" ? escapeHtml(value) : value));
    return markUp(method(text, escaped, keyword));
  });
}

function markUp(value: Value): Value {
  if (typeof value === "string") return new Markup(value);
  if (Array.isArray(value)) return (value as readonly Value[]).map(markUp);
  return value instanceof Tuple ? new Tuple(value.values.map(markUp)) : value;
}

function numberAttribute(object: Value, name: string): Value | undefined {
  if (object === null) return undefined;
  if (name === "real") return object;
  if (name === "imag") return isFloatNumber(object) ? makeFloat(0) : 0;
  if (name === "is_integer" && isInteger(object)) return undefined;
  if (name === "bit_length" && isFloatNumber(object)) return undefined;
  return bind(object, name, NUMBER_METHODS.get(name));
}

/** Python's `obj[key]`; `undefined` for what raises a `TypeError` or a `LookupError` there. */
function findItem(object: Value, key: Value): Value | undefined {
  if (object instanceof Map) {
    if (typeof key === "string") return object.get(key);
    return Array.isArray(key) || key instanceof Map ? undefined : lookup(object, key);
  }
  const index = typeof key === "boolean" ? Number(key) : isInteger(key) ? Number(key) : undefined;
  if (Array.isArray(object)) return index === undefined ? undefined : (object as readonly Value[]).at(index);
  const text = textOf(object);
  if (text !== undefined) {
    const character = index === undefined ? undefined : textAt(text, index);
    return character !== undefined && object instanceof Markup ? new Markup(character) : character;
  }
  if (object instanceof Tuple || object instanceof Range) {
    return index === undefined ? undefined : object.items().at(index);
  }
  if (object instanceof Undefined) return object.raise();
  return object instanceof PythonObject ? object.item(key) : undefined;
}

/** `obj[start:stop:step]`. */
export function getSlice(
  object: Value,
  bounds: { readonly start: Value; readonly stop: Value; readonly step: Value },
): Value {
  if (object instanceof Undefined) return object.raise();
  const text = textOf(object);
  const items = text === undefined ? sliceable(object) : undefined;
  const step = sliceIndex(bounds.step) ?? 1;
  if (step === 0) return fail("slice step cannot be zero");
  const indices = { start: sliceIndex(bounds.start), stop: sliceIndex(bounds.stop), step };
  const size = text === undefined ? (items?.length ?? 0) : textLength(text);
  const [start, stop] = sliceBounds(indices, size);
  if (text !== undefined) {
    const part =
      step === 1 ? textSlice(text, start, stop) : pick(textCharacters(text), [start, stop, step]).join("");
    return object instanceof Markup ? new Markup(part) : part;
  }
  const all = items ?? [];
  if (object instanceof Range) return object.section([start, stop, step]);
  const part = step === 1 ? all.slice(start, Math.max(start, stop)) : pick(all, [start, stop, step]);
  return object instanceof Tuple ? new Tuple(part) : part;
}

function pick<T>(items: readonly T[], bounds: readonly [start: number, stop: number, step: number]): T[] {
  const [start, stop, step] = bounds;
  const result: T[] = [];
  for (let index = start; step > 0 ? index < stop : index > stop; index += step) {
    const item = items[index];
    if (item !== undefined) result.push(item);
  }
  return result;
}

function sliceable(object: Value): readonly Value[] {
  if (Array.isArray(object)) return object as readonly Value[];
  if (object instanceof Tuple || object instanceof Range) return object.items();
  if (object instanceof Map) return fail("unhashable type: 'slice'");
  return fail(`'${typeName(object)}' object is not subscriptable`);
}

function sliceIndex(value: Value): number | undefined {
  if (value === null) return undefined;
  if (typeof value === "boolean") return Number(value);
  if (isInteger(value)) return Number(value);
  return fail("slice indices must be integers or None or have an __index__ method");
}
