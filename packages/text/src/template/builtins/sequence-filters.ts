import { add } from "../python/arithmetic.ts";
import { getAttribute } from "../python/attributes.ts";
import { checkHashable, equals, order, truthy } from "../python/compare.ts";
import { fail } from "../python/failure.ts";
import { itemsOf, iterate, length } from "../python/iterate.ts";
import { isMapping, textOf, typeName } from "../python/kind.ts";
import { textCharacters } from "../python/text-index.ts";
import { toText } from "../python/text-form.ts";
import { Undefined } from "../python/undefined.ts";
import {
  DictView,
  GroupTuple,
  LazySequence,
  Markup,
  Range,
  type Tuple,
  type Value,
} from "../python/value.ts";
import { attributeGetter, ignoreCase, type Getter } from "./attribute-path.ts";
import { define, type Bound, type Filter } from "./definition.ts";

/** `sorted(items, key=..., reverse=...)`: stable, also in reverse. */
function sorted(items: readonly Value[], key: Getter, reverse: boolean): Value[] {
  const decorated = items.map((item) => ({ item, key: key(item) }));
  decorated.sort((a, b) => {
    const [low, high] = reverse ? [b.key, a.key] : [a.key, b.key];
    if (order("lt", low, high)) return -1;
    return order("lt", high, low) ? 1 : 0;
  });
  return decorated.map((entry) => entry.item);
}

function keyOf(getter: Getter, caseSensitive: Value): Getter {
  return truthy(caseSensitive) ? getter : (item) => ignoreCase(getter(item));
}

function sort([value = null, reverse = false, caseSensitive = false, attribute = null]: Bound): Value {
  const text = textOf(attribute);
  const getters = (text === undefined ? [attribute] : text.split(",")).map((path) =>
    keyOf(attributeGetter(path), caseSensitive),
  );
  return sorted(iterate(value), (item) => getters.map((getter) => getter(item)), truthy(reverse));
}

function dictSort([value = null, caseSensitive = false, by = "key", reverse = false]: Bound): Value {
  const way = toText(by);
  if (way !== "key" && way !== "value") return fail('You can only sort by either "key" or "value"');
  const items = pairsOf(value);
  const position = way === "key" ? 0 : 1;
  return sorted(
    items,
    keyOf((item) => (item as Tuple).values[position] ?? null, caseSensitive),
    truthy(reverse),
  );
}

function pairsOf(value: Value): readonly Value[] {
  if (isMapping(value)) return new DictView("items", value).items();
  if (value instanceof Undefined) return value.raise();
  return fail(`'${typeName(value)}' object has no attribute 'items'`);
}

function groupBy([value = null, attribute = null, fallback = null, caseSensitive = false]: Bound): Value {
  const getter = attributeGetter(attribute, fallback);
  const key = keyOf(getter, caseSensitive);
  const groups: { readonly key: Value; readonly items: Value[] }[] = [];
  for (const item of sorted(iterate(value), key, false)) {
    const itemKey = key(item);
    const last = groups.at(-1);
    if (last !== undefined && equals(last.key, itemKey)) last.items.push(item);
    else groups.push({ key: itemKey, items: [item] });
  }
  return groups.map(({ items }) => new GroupTuple([getter(items[0] ?? null), items]));
}

function generator(name: string, source: Generator<Value>): LazySequence {
  return new LazySequence("generator", source, `generator object ${name}`);
}

function* uniqueItems(value: Value, key: Getter): Generator<Value> {
  const seen: Value[] = [];
  for (const item of iterate(value)) {
    const itemKey = key(item);
    checkHashable(itemKey);
    if (seen.some((other) => equals(other, itemKey))) continue;
    seen.push(itemKey);
    yield item;
  }
}

function* batches(value: Value, bound: { readonly size: number; readonly fill: Value }): Generator<Value> {
  const items = iterate(value);
  for (let start = 0; start < items.length; start += bound.size) {
    const batch = items.slice(start, start + bound.size);
    if (bound.fill !== null) while (batch.length < bound.size) batch.push(bound.fill);
    yield batch;
  }
}

function* slices(value: Value, bound: { readonly count: number; readonly fill: Value }): Generator<Value> {
  const { count, fill } = bound;
  const items = iterate(value);
  const each = Math.floor(items.length / count);
  const extra = items.length % count;
  let offset = 0;
  for (let number = 0; number < count; number++) {
    const start = offset + number * each;
    if (number < extra) offset++;
    const part = items.slice(start, offset + (number + 1) * each);
    if (fill !== null && number >= extra) part.push(fill);
    yield part;
  }
}

function extreme(name: "min" | "max"): (bound: Bound) => Value {
  return ([value = null, caseSensitive = false, attribute = null]) => {
    const items = iterate(value);
    const [first, ...others] = items;
    if (first === undefined) return new Undefined({ hint: "No aggregated item, sequence was empty." });
    const key = keyOf(attributeGetter(attribute), caseSensitive);
    let best = first;
    let bestKey = key(first);
    for (const item of others) {
      const itemKey = key(item);
      if (name === "min" ? order("lt", itemKey, bestKey) : order("gt", itemKey, bestKey)) {
        best = item;
        bestKey = itemKey;
      }
    }
    return best;
  };
}

function first([value = null]: Bound): Value {
  const item = value instanceof LazySequence ? value.next() : iterate(value)[0];
  return item === undefined ? new Undefined({ hint: "No first item, sequence was empty." }) : item;
}

function last([value = null]: Bound): Value {
  if (value instanceof LazySequence) return fail(`'${typeName(value)}' object is not reversible`);
  const items = itemsOf(value) ?? fail(`'${typeName(value)}' object is not reversible`);
  const item = items.at(-1);
  return item === undefined ? new Undefined({ hint: "No last item, sequence was empty." }) : item;
}

function reverse([value = null]: Bound): Value {
  const text = textOf(value);
  if (text !== undefined) {
    const reversed = textCharacters(text).reverse().join("");
    return value instanceof Markup ? new Markup(reversed) : reversed;
  }
  const items = itemsOf(value);
  if (items === undefined) return fail("argument must be iterable");
  const reversed = items.toReversed();
  if (value instanceof LazySequence || value instanceof Undefined) return reversed;
  const source = reversed[Symbol.iterator]();
  return new LazySequence(iteratorName(value), source);
}

function iteratorName(value: Value): string {
  if (Array.isArray(value)) return "list_reverseiterator";
  if (value instanceof Range) return "range_iterator";
  return isMapping(value) ? "dict_reversekeyiterator" : "reversed";
}

function sum([value = null, attribute = null, start = 0]: Bound): Value {
  const getter = attribute === null ? undefined : attributeGetter(attribute);
  if (textOf(start) !== undefined) fail("sum() can't sum strings [use ''.join(seq) instead]");
  let total = start;
  for (const item of iterate(value)) total = add(total, getter === undefined ? item : getter(item));
  return total;
}

function items([value = null]: Bound): Value {
  if (value instanceof Undefined) return generator("do_items", emptyGenerator());
  if (!isMapping(value))
    return generator("do_items", failingGenerator("Can only get item pairs from a mapping."));
  return generator("do_items", new DictView("items", value).items()[Symbol.iterator]() as Generator<Value>);
}

function* emptyGenerator(): Generator<Value> {}

// oxlint-disable-next-line require-yield -- a generator fails only when it is asked for its first item
function* failingGenerator(message: string): Generator<Value> {
  fail(message);
}

/** Filters over sequences and mappings. */
export const SEQUENCE_FILTERS: readonly (readonly [name: string, filter: Filter])[] = [
  [
    "attr",
    define("do_attr obj name", ([object = null, name = null]) => plainAttribute(object, toText(name))),
  ],
  [
    "batch",
    define("do_batch value linecount fill_with=", ([value = null, size = null, fill = null]) =>
      generator("do_batch", batches(value, { size: Math.max(1, Number(size)), fill })),
    ),
  ],
  ["count", define("len obj", ([value = null]) => length(value))],
  ["dictsort", define("do_dictsort value case_sensitive= by= reverse=", dictSort)],
  ["first", define("sync_do_first seq", first)],
  ["groupby", define("sync_do_groupby value attribute default= case_sensitive=", groupBy)],
  ["items", define("do_items value", items)],
  ["last", define("do_last seq", last)],
  ["length", define("len obj", ([value = null]) => length(value))],
  ["list", define("sync_do_list value", ([value = null]) => [...iterate(value)])],
  ["max", define("do_max value case_sensitive= attribute=", extreme("max"))],
  ["min", define("do_min value case_sensitive= attribute=", extreme("min"))],
  ["reverse", define("do_reverse value", reverse)],
  [
    "slice",
    define("sync_do_slice value slices fill_with=", ([value = null, count = null, fill = null]) =>
      generator("sync_do_slice", slices(value, { count: Number(count), fill })),
    ),
  ],
  ["sort", define("do_sort value reverse= case_sensitive= attribute=", sort)],
  ["sum", define("sync_do_sum iterable attribute= start=", sum)],
  [
    "unique",
    define(
      "sync_do_unique value case_sensitive= attribute=",
      ([value = null, caseSensitive = false, attribute = null]) =>
        generator("sync_do_unique", uniqueItems(value, keyOf(attributeGetter(attribute), caseSensitive))),
    ),
  ],
];

/** `obj|attr("name")`: the attribute, never the item. */
function plainAttribute(object: Value, name: string): Value {
  if (!isMapping(object)) return getAttribute(object, name);
  // Asking an empty dict finds the methods and nothing else.
  const method = getAttribute(new Map(), name);
  return method instanceof Undefined ? new Undefined({ object, name }) : getAttribute(object, name);
}
