import { numeric, truthy } from "../python/compare.ts";
import { fail } from "../python/failure.ts";
import { iterate } from "../python/iterate.ts";
import { dumpJson, PLAIN_JSON } from "../python/json-dump.ts";
import { textOf, typeName } from "../python/kind.ts";
import type { Value } from "../python/value.ts";
import { define, type Bound, type Filter } from "./definition.ts";

function toJson([
  value = null,
  ensureAscii = false,
  indent = null,
  separators = null,
  sortKeys = false,
]: Bound): Value {
  const indentation = indentText(indent);
  return dumpJson(value, {
    ensureAscii: truthy(ensureAscii),
    indent: indentation,
    separators:
      separators === null ? [indentation === undefined ? ", " : ",", ": "] : separatorPair(separators),
    sortKeys: truthy(sortKeys),
  });
}

function indentText(indent: Value): string | undefined {
  if (indent === null) return undefined;
  return textOf(indent) ?? " ".repeat(Math.max(0, Number(numeric(indent) ?? 0)));
}

function separatorPair(separators: Value): readonly [string, string] {
  const [item, key, ...rest] = iterate(separators);
  if (item === undefined || key === undefined) {
    return fail(`not enough values to unpack (expected 2, got ${item === undefined ? 0 : 1})`);
  }
  if (rest.length > 0) return fail("too many values to unpack (expected 2)");
  return [separatorText(item), separatorText(key)];
}

function separatorText(value: Value): string {
  return textOf(value) ?? fail(`can only concatenate str (not "${typeName(value)}") to str`);
}

const BOUND = define(
  "_cached_compile_jinja_template.<locals>.tojson x ensure_ascii= indent= separators= sort_keys=",
  toJson,
);

/** The `tojson` filter of transformers: plain `json.dumps` that keeps non-ASCII characters. */
export const toJsonFilter: Filter = (value, positional, keyword) =>
  positional.length === 0 && keyword.size === 0
    ? dumpJson(value, PLAIN_JSON)
    : BOUND(value, positional, keyword);
