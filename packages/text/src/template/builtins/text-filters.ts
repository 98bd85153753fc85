import { add, calculate } from "../python/arithmetic.ts";
import { truthy, numeric } from "../python/compare.ts";
import { fail } from "../python/failure.ts";
import { escapeHtml } from "../python/html.ts";
import { itemsOf, iterate, length as lengthOf } from "../python/iterate.ts";
import { isMapping, textOf, typeName } from "../python/kind.ts";
import { formatPercent } from "../python/percent-format.ts";
import { replaceText } from "../python/string-methods.ts";
import { textLength, textSlice } from "../python/text-index.ts";
import { capitalize, pad } from "../python/text-shape.ts";
import { toText } from "../python/text-form.ts";
import { Undefined } from "../python/undefined.ts";
import { Markup, Tuple, type Value } from "../python/value.ts";
import { splitLines, strip, stripCharacters } from "../python/whitespace.ts";
import { attributeGetter } from "./attribute-path.ts";
import { define, type Bound, type Filter } from "./definition.ts";

function escape(value: Value | undefined): Value {
  return value instanceof Markup ? value : new Markup(escapeHtml(toText(value ?? null)));
}

function replace([text = null, old = null, replacement = null, count = null]: Bound): Value {
  return replaceText(toText(text), {
    old: toText(old),
    replacement: toText(replacement),
    count:
      count === null
        ? -1
        : Number(numeric(count) ?? fail(`'${typeName(count)}' object cannot be interpreted as an integer`)),
  });
}

function trim([value = null, characters = null]: Bound): Value {
  const text = toText(value);
  if (characters === null) return strip(text, "both");
  return stripCharacters(text, "both", textOf(characters) ?? fail("strip arg must be None or str"));
}

// Where a word begins, as jinja2's own `title` sees it: not at an apostrophe.
const WORD_BREAK = /([-\s({[<]+)/;

function title(text: string): string {
  return text
    .split(WORD_BREAK)
    .map((part) => capitalize(part))
    .join("");
}

function indent([value = null, width = 4, first = false, blank = false]: Bound): Value {
  const text = textOf(value) ?? notText(value);
  const indentation = textOf(width) ?? " ".repeat(Math.max(0, Number(numeric(width) ?? 0)));
  const lines = splitLines(`${text}\n`);
  const keepBlank = truthy(blank);
  const indented = lines.map((line, index) =>
    index > 0 && (keepBlank || line !== "") ? indentation + line : line,
  );
  return (truthy(first) ? indentation : "") + indented.join("\n");
}

function notText(value: Value): never {
  if (Array.isArray(value)) return fail("'list' object has no attribute 'splitlines'");
  if (value instanceof Undefined || value instanceof Tuple) add(value, "\n");
  return fail(`unsupported operand type(s) for +=: '${typeName(value)}' and 'str'`);
}

function truncate([value = null, length = 255, killWords = false, end = "...", leeway = 5]: Bound): Value {
  const ellipsis = toText(end);
  const size = Number(numeric(length));
  const tolerance = leeway === null ? 5 : Number(numeric(leeway));
  if (size < textLength(ellipsis)) fail(`expected length >= ${textLength(ellipsis)}, got ${size}`);
  if (tolerance < 0) fail(`expected leeway >= 0, got ${tolerance}`);
  if (lengthOf(value) <= size + tolerance) return value;
  const text = textOf(value) ?? fail(`'${typeName(value)}' object has no attribute 'rsplit'`);
  const head = textSlice(text, 0, Math.min(textLength(text), size - textLength(ellipsis)));
  if (truthy(killWords)) return head + ellipsis;
  const space = head.lastIndexOf(" ");
  return (space === -1 ? head : head.slice(0, space)) + ellipsis;
}

function join([values = null, separator = "", attribute = null]: Bound): Value {
  const getter = attribute === null ? undefined : attributeGetter(attribute);
  const parts = iterate(values).map((item) => toText(getter === undefined ? item : getter(item)));
  return parts.join(toText(separator));
}

const format: Filter = (value, positional, keyword) => {
  if (positional.length > 0 && keyword.size > 0) {
    return fail("can't handle positional and keyword arguments at the same time");
  }
  const text = toText(value);
  return keyword.size > 0 ? formatPercent(text, keyword) : calculate("%", text, new Tuple(positional));
};

function stripTags(text: string): string {
  const plain = text.replace(/<!--[\s\S]*?-->/g, "").replace(/<[\s\S]*?>/g, "");
  return unescapeHtml(
    plain
      .split(/\s+/)
      .filter((word) => word !== "")
      .join(" "),
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&#39;": "'",
  "&#34;": '"',
  "&quot;": '"',
};

function unescapeHtml(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#39|#34);/g, (entity) => ENTITIES[entity] ?? entity);
}

const UNRESERVED = /[A-Za-z0-9_.~-]/;

function quoteUrl(value: Value, safe: string): string {
  let result = "";
  for (const character of toText(value)) {
    result +=
      UNRESERVED.test(character) || safe.includes(character)
        ? character
        : encodeURIComponent(character).replace(/[!'()*]/g, hexEscape);
  }
  return result;
}

function hexEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function pairOf(value: Value): readonly Value[] {
  const items = itemsOf(value) ?? fail(`cannot unpack non-iterable ${typeName(value)} object`);
  if (items.length > 2) return fail("too many values to unpack (expected 2)");
  return items.length === 2 ? items : fail(`not enough values to unpack (expected 2, got ${items.length})`);
}

function urlEncode([value = null]: Bound): Value {
  if (textOf(value) !== undefined || itemsOf(value) === undefined) return quoteUrl(value, "/");
  const pairs = isMapping(value) ? [...value] : iterate(value).map(pairOf);
  return pairs
    .map(([key = null, item = null]) => `${quoteUrl(key, "")}=${quoteUrl(item, "")}`.replaceAll("%20", "+"))
    .join("&");
}

/** Filters that make text of text. */
export const TEXT_FILTERS: readonly (readonly [name: string, filter: Filter])[] = [
  ["capitalize", define("do_capitalize s", ([value = null]) => capitalize(toText(value)))],
  [
    "center",
    define("do_center value width=", ([value = null, width = 80]) =>
      pad(toText(value), { width: Number(width), fill: " ", align: "center" }),
    ),
  ],
  ["e", define("escape s", ([value]) => escape(value))],
  ["escape", define("escape s", ([value]) => escape(value))],
  ["forceescape", define("do_forceescape value", ([value = null]) => new Markup(escapeHtml(toText(value))))],
  ["format", format],
  ["indent", define("do_indent s width= first= blank=", indent)],
  ["join", define("sync_do_join value d= attribute=", join)],
  ["lower", define("do_lower s", ([value = null]) => toText(value).toLowerCase())],
  ["replace", define("do_replace s old new count=", replace)],
  ["safe", define("do_mark_safe value", ([value = null]) => new Markup(toText(value)))],
  ["string", define("soft_str s", ([value = null]) => (value instanceof Markup ? value : toText(value)))],
  ["striptags", define("do_striptags value", ([value = null]) => stripTags(toText(value)))],
  ["title", define("do_title s", ([value = null]) => title(toText(value)))],
  ["trim", define("do_trim value chars=", trim)],
  ["truncate", define("do_truncate s length= killwords= end= leeway=", truncate)],
  ["upper", define("do_upper s", ([value = null]) => toText(value).toUpperCase())],
  ["urlencode", define("do_urlencode value", urlEncode)],
  [
    "wordcount",
    define("do_wordcount s", ([value = null]) => [...toText(value).matchAll(/[\p{L}\p{N}_]+/gu)].length),
  ],
];
