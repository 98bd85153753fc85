import { truthy } from "../python/compare.ts";
import { fail } from "../python/failure.ts";
import { reprString } from "../python/repr-string.ts";
import { Undefined } from "../python/undefined.ts";
import type { Value } from "../python/value.ts";
import { define, type Bound, type Filter } from "./definition.ts";
import { toJsonFilter } from "./json-filter.ts";
import { NUMBER_FILTERS } from "./number-filters.ts";
import { selectionFilters } from "./selection-filters.ts";
import { SEQUENCE_FILTERS } from "./sequence-filters.ts";
import { findTest } from "./test-table.ts";
import { TEXT_FILTERS } from "./text-filters.ts";

function defaultValue([value = null, fallback = "", boolean = false]: Bound): Value {
  return value instanceof Undefined || (truthy(boolean) && !truthy(value)) ? fallback : value;
}

/** Filters of jinja2 that have no meaning in a prompt: a template that reaches one fails and says so. */
const UNSUPPORTED = ["pprint", "random", "urlize", "wordwrap", "xmlattr"];

function unsupported(name: string): Filter {
  return () => fail(`The filter ${reprString(name)} is not supported in chat templates.`);
}

const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...TEXT_FILTERS,
  ...NUMBER_FILTERS,
  ...SEQUENCE_FILTERS,
  ...selectionFilters({
    filter: (name) => FILTERS.get(name) ?? fail(`No filter named ${reprString(name)}.`),
    test: (name) => findTest(name, isFilter) ?? fail(`No test named ${reprString(name)}.`),
  }),
  ["d", define("do_default value default_value= boolean=", defaultValue)],
  ["default", define("do_default value default_value= boolean=", defaultValue)],
  ["tojson", toJsonFilter],
  ...UNSUPPORTED.map((name) => [name, unsupported(name)] as const),
]);

/** The filter with this name; `undefined` when there is none. */
export function findFilter(name: string): Filter | undefined {
  return FILTERS.get(name);
}

/** Whether a filter with this name exists. */
export function isFilter(name: string): boolean {
  return FILTERS.has(name);
}
