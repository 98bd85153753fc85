import { truthy } from "../python/compare.ts";
import { fail } from "../python/failure.ts";
import { iterate } from "../python/iterate.ts";
import { reprString } from "../python/repr-string.ts";
import { toText } from "../python/text-form.ts";
import { LazySequence, type KeywordArguments, type Value } from "../python/value.ts";
import { attributeGetter, type Getter } from "./attribute-path.ts";
import type { Filter, Test } from "./definition.ts";

/** How `map` and `select` find the filters and tests they are given by name. */
export interface Lookups {
  readonly filter: (name: string) => Filter;
  readonly test: (name: string) => Test;
}

/** `map`, `select`, `reject`, `selectattr` and `rejectattr`. They are lazy, as in jinja2. */
export function selectionFilters(lookups: Lookups): readonly (readonly [name: string, filter: Filter])[] {
  return [
    [
      "map",
      (value, positional, keyword) =>
        lazily(
          "sync_do_map",
          mapItems(value, () => mapper(lookups, positional, keyword)),
        ),
    ],
    ["select", selection(lookups, { keep: true, byAttribute: false })],
    ["reject", selection(lookups, { keep: false, byAttribute: false })],
    ["selectattr", selection(lookups, { keep: true, byAttribute: true })],
    ["rejectattr", selection(lookups, { keep: false, byAttribute: true })],
  ];
}

function lazily(name: string, source: Generator<Value>): LazySequence {
  return new LazySequence("generator", source, `generator object ${name}`);
}

function* mapItems(value: Value, makeMapper: () => Getter): Generator<Value> {
  if (!truthy(value)) return;
  const map = makeMapper();
  if (value instanceof LazySequence) {
    for (let item = value.next(); item !== undefined; item = value.next()) yield map(item);
  } else {
    for (const item of iterate(value)) yield map(item);
  }
}

function mapper(lookups: Lookups, positional: readonly Value[], keyword: KeywordArguments): Getter {
  const [name, ...rest] = positional;
  if (name !== undefined) {
    const filter = lookups.filter(toText(name));
    return (item) => filter(item, rest, keyword);
  }
  const attribute = keyword.get("attribute");
  if (attribute === undefined) return fail("map requires a filter argument");
  for (const key of keyword.keys()) {
    if (key !== "attribute" && key !== "default") fail(`Unexpected keyword argument ${reprString(key)}`);
  }
  return attributeGetter(attribute, keyword.get("default"));
}

function selection(
  lookups: Lookups,
  options: { readonly keep: boolean; readonly byAttribute: boolean },
): Filter {
  return (value, positional, keyword) =>
    lazily(
      "select_or_reject",
      selectItems(value, () => predicate(lookups, { positional, keyword, ...options })),
    );
}

function* selectItems(value: Value, makePredicate: () => (item: Value) => boolean): Generator<Value> {
  if (!truthy(value)) return;
  const accepts = makePredicate();
  if (value instanceof LazySequence) {
    for (let item = value.next(); item !== undefined; item = value.next()) if (accepts(item)) yield item;
  } else {
    for (const item of iterate(value)) if (accepts(item)) yield item;
  }
}

function predicate(
  lookups: Lookups,
  request: {
    readonly positional: readonly Value[];
    readonly keyword: KeywordArguments;
    readonly keep: boolean;
    readonly byAttribute: boolean;
  },
): (item: Value) => boolean {
  const { positional, keyword, keep, byAttribute } = request;
  if (byAttribute && positional.length === 0) return fail("Missing parameter for attribute name");
  const getter: Getter = byAttribute ? attributeGetter(positional[0]) : (item) => item;
  const [name, ...rest] = positional.slice(byAttribute ? 1 : 0);
  if (name === undefined) return (item) => truthy(getter(item)) === keep;
  const test = lookups.test(toText(name));
  return (item) => test(getter(item), rest, keyword) === keep;
}
