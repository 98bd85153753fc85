import { checkArity, type Arity } from "./arguments.ts";
import { truthy } from "./compare.ts";
import { fail } from "./failure.ts";
import { itemsOf } from "./iterate.ts";
import { textOf, typeName } from "./kind.ts";
import { classifyText, type TextClass } from "./text-class.ts";
import { splitText, type SplitRequest } from "./split-text.ts";
import { capitalize, expandTabs, pad, swapCase, titleCase, zeroFill } from "./text-shape.ts";
import { sliceBounds, textLength, textSlice } from "./text-index.ts";
import { Tuple, type KeywordArguments, type Value } from "./value.ts";
import { splitLines, strip, stripCharacters, type StripSide } from "./whitespace.ts";

/** A method of `str`: the text and the arguments give the result. */
export type StringMethod = (text: string, positional: readonly Value[], keyword: KeywordArguments) => Value;

type Implementation = (text: string, args: readonly Value[]) => Value;

const METHODS = new Map<string, StringMethod>();

function method(
  name: string,
  arity: readonly [least: number, most: number],
  implementation: Implementation,
): void {
  const bounds: Arity = { least: arity[0], most: arity[1] };
  const description = { type: "str", name, arity: bounds };
  METHODS.set(name, (text, positional, keyword) => {
    if (keyword.size > 0 || positional.length < bounds.least || positional.length > bounds.most) {
      checkArity(description, positional.length, keyword);
    }
    return implementation(text, positional);
  });
}

/** The method of `str` with this name; `undefined` when there is none. */
export function stringMethod(name: string): StringMethod | undefined {
  return METHODS.get(name);
}

method("upper", [0, 0], (text) => text.toUpperCase());
method("lower", [0, 0], (text) => text.toLowerCase());
method("casefold", [0, 0], (text) => text.toUpperCase().toLowerCase());
method("capitalize", [0, 0], capitalize);
method("title", [0, 0], titleCase);
method("swapcase", [0, 0], swapCase);

for (const name of [
  "isalnum",
  "isalpha",
  "isascii",
  "isdecimal",
  "isdigit",
  "isidentifier",
  "islower",
  "isnumeric",
  "isprintable",
  "isspace",
  "istitle",
  "isupper",
] satisfies readonly TextClass[]) {
  method(name, [0, 0], (text) => classifyText(name, text));
}

function stripMethod(name: string, side: StripSide): void {
  method(name, [0, 1], (text, [characters = null]) => {
    if (characters === null) return strip(text, side);
    const set = textOf(characters) ?? fail(`${name} arg must be None or str`);
    return stripCharacters(text, side, set);
  });
}

stripMethod("strip", "both");
stripMethod("lstrip", "left");
stripMethod("rstrip", "right");

function affixMethod(name: "startswith" | "endswith"): void {
  METHODS.set(name, (text, args, keyword) => {
    if (keyword.size > 0) return fail(`str.${name}() takes no keyword arguments`);
    const affix = args[0];
    if (affix === undefined) return fail(`${name}() takes at least 1 argument (0 given)`);
    const part = args.length === 1 ? text : section(text, args[1], args[2]);
    const test = (candidate: string): boolean =>
      name === "startswith" ? part.startsWith(candidate) : part.endsWith(candidate);
    if (typeof affix === "string") return test(affix);
    if (affix instanceof Tuple) {
      return affix.values.some((item) =>
        test(textOf(item) ?? fail(`tuple for ${name} must only contain str, not ${typeName(item)}`)),
      );
    }
    return test(
      textOf(affix) ?? fail(`${name} first arg must be str or a tuple of str, not ${typeName(affix)}`),
    );
  });
}

affixMethod("startswith");
affixMethod("endswith");

method("removeprefix", [1, 1], (text, [affix = null]) => {
  const prefix = textArgument("removeprefix", affix);
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
});
method("removesuffix", [1, 1], (text, [affix = null]) => {
  const suffix = textArgument("removesuffix", affix);
  return suffix !== "" && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
});

method("replace", [2, 3], (text, [from = null, to = null, count = -1]) => {
  const old = textOf(from) ?? fail(`replace() argument 1 must be str, not ${typeName(from)}`);
  const replacement = textOf(to) ?? fail(`replace() argument 2 must be str, not ${typeName(to)}`);
  return replaceText(text, { old, replacement, count: indexArgument(count) });
});

/** `text.replace(old, replacement, count)`; a negative count means all. */
export function replaceText(
  text: string,
  request: { readonly old: string; readonly replacement: string; readonly count: number },
): string {
  const { old, replacement, count } = request;
  if (old === "") return interleave(text, replacement, count < 0 ? Infinity : count);
  const parts = text.split(old);
  if (count < 0 || parts.length - 1 <= count) return parts.join(replacement);
  const replaced = parts.slice(0, count + 1).join(replacement);
  return [replaced, ...parts.slice(count + 1)].join(old);
}

function interleave(text: string, replacement: string, count: number): string {
  let left = count;
  let result = "";
  for (const character of text) {
    if (left > 0) result += replacement;
    left--;
    result += character;
  }
  return left > 0 ? result + replacement : result;
}

function searchMethod(name: "find" | "rfind" | "index" | "rindex"): void {
  method(name, [1, 3], (text, [part = null, start = null, stop = null]) => {
    const needle = textOf(part) ?? fail(`must be str, not ${typeName(part)}`);
    const bounds = sectionBounds(text, start, stop);
    const searched = textSlice(text, bounds[0], bounds[1]);
    const unit = name.startsWith("r") ? searched.lastIndexOf(needle) : searched.indexOf(needle);
    if (unit === -1) return name.endsWith("find") ? -1 : fail("substring not found");
    return bounds[0] + textLength(searched.slice(0, unit));
  });
}

searchMethod("find");
searchMethod("rfind");
searchMethod("index");
searchMethod("rindex");

method("count", [1, 3], (text, [part = null, start = null, stop = null]) => {
  const needle = textOf(part) ?? fail(`must be str, not ${typeName(part)}`);
  const searched = section(text, start, stop);
  return needle === "" ? textLength(searched) + 1 : searched.split(needle).length - 1;
});

method("join", [1, 1], (text, [values = null]) => {
  const items = itemsOf(values) ?? fail("can only join an iterable");
  return items
    .map(
      (item, index) =>
        textOf(item) ?? fail(`sequence item ${index}: expected str instance, ${typeName(item)} found`),
    )
    .join(text);
});

function splitMethod(name: "split" | "rsplit"): void {
  METHODS.set(name, (text, positional, keyword) => {
    for (const key of keyword.keys()) {
      if (key !== "sep" && key !== "maxsplit") fail(`'${key}' is an invalid keyword argument for ${name}()`);
    }
    const separator = positional[0] ?? keyword.get("sep") ?? null;
    const limit = positional[1] ?? keyword.get("maxsplit") ?? -1;
    const request: SplitRequest = {
      separator:
        separator === null
          ? undefined
          : (textOf(separator) ?? fail(`must be str or None, not ${typeName(separator)}`)),
      limit: indexArgument(limit),
      fromRight: name === "rsplit",
    };
    if (request.separator === "") return fail("empty separator");
    return splitText(text, request);
  });
}

splitMethod("split");
splitMethod("rsplit");

METHODS.set("splitlines", (text, positional, keyword) =>
  splitLines(text, truthy(positional[0] ?? keyword.get("keepends") ?? false)),
);

function partitionMethod(name: "partition" | "rpartition"): void {
  method(name, [1, 1], (text, [part = null]) => {
    const separator = textOf(part) ?? fail(`must be str, not ${typeName(part)}`);
    if (separator === "") return fail("empty separator");
    const at = name === "partition" ? text.indexOf(separator) : text.lastIndexOf(separator);
    if (at === -1) return new Tuple(name === "partition" ? [text, "", ""] : ["", "", text]);
    return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
  });
}

partitionMethod("partition");
partitionMethod("rpartition");

function padMethod(name: "center" | "ljust" | "rjust"): void {
  method(name, [1, 2], (text, [width = null, fill = " "]) => {
    const filler = textOf(fill);
    if (filler === undefined || textLength(filler) !== 1) {
      return fail("The fill character must be exactly one character long");
    }
    return pad(text, { width: indexArgument(width), fill: filler, align: name });
  });
}

padMethod("center");
padMethod("ljust");
padMethod("rjust");

method("zfill", [1, 1], (text, [width = null]) => zeroFill(text, indexArgument(width)));
METHODS.set("expandtabs", (text, positional, keyword) =>
  expandTabs(text, indexArgument(positional[0] ?? keyword.get("tabsize") ?? 8)),
);

function textArgument(name: string, value: Value): string {
  return textOf(value) ?? fail(`${name}() argument must be str, not ${typeName(value)}`);
}

/** An argument used as an index or a count. */
function indexArgument(value: Value): number {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number" && Number.isInteger(value)) return value;
  return fail(`'${typeName(value)}' object cannot be interpreted as an integer`);
}

function sectionBounds(text: string, start: Value, stop: Value): readonly [start: number, stop: number] {
  const bound = (value: Value): number | undefined => {
    if (value === null) return undefined;
    if (typeof value === "number" && Number.isInteger(value)) return value;
    return fail("slice indices must be integers or None or have an __index__ method");
  };
  return sliceBounds({ start: bound(start), stop: bound(stop), step: 1 }, textLength(text));
}

function section(text: string, start: Value | undefined, stop: Value | undefined): string {
  if ((start ?? null) === null && (stop ?? null) === null) return text;
  const bounds = sectionBounds(text, start ?? null, stop ?? null);
  return textSlice(text, bounds[0], bounds[1]);
}
