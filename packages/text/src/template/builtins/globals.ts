import { bindArguments } from "../python/arguments.ts";
import { fail } from "../python/failure.ts";
import { itemsOf, iterate } from "../python/iterate.ts";
import { isInteger, isMapping, textOf, typeName } from "../python/kind.ts";
import { strftime, type LocalTime } from "../python/strftime.ts";
import { toText } from "../python/text-form.ts";
import {
  Namespace,
  NativeFunction,
  PythonObject,
  Range,
  type Callable,
  type KeywordArguments,
  type Value,
} from "../python/value.ts";
import { signature } from "./definition.ts";

/** Most items a template's `range` may have, as in jinja2's sandbox. */
const MAX_RANGE = 100_000;

function range(positional: readonly Value[]): Value {
  const numbers = positional.map((value) => {
    if (typeof value === "boolean") return Number(value);
    return isInteger(value)
      ? Number(value)
      : fail(`'${typeName(value)}' object cannot be interpreted as an integer`);
  });
  if (numbers.length === 0) return fail("range expected at least 1 argument, got 0");
  if (numbers.length > 3) return fail(`range expected at most 3 arguments, got ${numbers.length}`);
  const [first = 0, second, step = 1] = numbers;
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (step === 0) return fail("range() arg 3 must not be zero");
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count > MAX_RANGE) {
    return fail(`Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MAX_RANGE}).`);
  }
  return new Range(
    [start, stop, step],
    Array.from({ length: count }, (_, index) => start + index * step),
  );
}

/** `dict(*positional, **keyword)`. */
function dict(positional: readonly Value[], keyword: KeywordArguments): Map<Value, Value> {
  const result = new Map<Value, Value>();
  if (positional.length > 1) return fail(`dict expected at most 1 argument, got ${positional.length}`);
  const [source] = positional;
  if (source !== undefined) {
    if (isMapping(source)) for (const [key, value] of source) result.set(key, value);
    else addPairs(result, source);
  }
  for (const [key, value] of keyword) result.set(key, value);
  return result;
}

function addPairs(result: Map<Value, Value>, source: Value): void {
  for (const [index, pair] of iterate(source).entries()) {
    const items =
      itemsOf(pair) ?? fail(`cannot convert dictionary update sequence element #${index} to a sequence`);
    const [key, value] = items;
    if (items.length !== 2 || key === undefined || value === undefined) {
      fail(`dictionary update sequence element #${index} has length ${items.length}; 2 is required`);
    } else {
      result.set(key, value);
    }
  }
}

/** `cycler(...)`: hands out its items in turn. */
class Cycler extends PythonObject {
  readonly typeName = "Cycler";
  private readonly choices: readonly Value[];
  private position = 0;

  constructor(choices: readonly Value[]) {
    super();
    if (choices.length === 0) fail("at least one item has to be provided");
    this.choices = choices;
  }

  override get qualifiedTypeName(): string {
    return "jinja2.utils.Cycler";
  }

  private get current(): Value {
    return this.choices[this.position] ?? null;
  }

  override attribute(name: string): Value | undefined {
    if (name === "current") return this.current;
    if (name === "next") return new NativeFunction("next", () => this.next(), "method");
    if (name === "reset") return new NativeFunction("reset", () => this.reset(), "method");
    return undefined;
  }

  private next(): Value {
    const value = this.current;
    this.position = (this.position + 1) % this.choices.length;
    return value;
  }

  private reset(): Value {
    this.position = 0;
    return null;
  }

  override repr(): string {
    return "<jinja2.utils.Cycler object>";
  }
}

/** `joiner(separator)`: nothing the first time, the separator from then on. */
class Joiner extends PythonObject {
  readonly typeName = "Joiner";
  private readonly separator: Value;
  private used = false;

  constructor(separator: Value) {
    super();
    this.separator = separator;
  }

  override get qualifiedTypeName(): string {
    return "jinja2.utils.Joiner";
  }

  override get callable(): Callable {
    return () => {
      const value = this.used ? this.separator : "";
      this.used = true;
      return value;
    };
  }

  override repr(): string {
    return "<jinja2.utils.Joiner object>";
  }
}

const RAISE = signature("_cached_compile_jinja_template.<locals>.raise_exception message");
const STRFTIME = signature("_cached_compile_jinja_template.<locals>.strftime_now format");

function raiseException(positional: readonly Value[], keyword: KeywordArguments): never {
  const [message = null] = bindArguments(RAISE, positional, keyword);
  return fail(toText(message));
}

/** Names jinja2 itself defines: a template that uses them does not thereby ask for a variable. */
export const ENVIRONMENT_NAMES: ReadonlySet<string> = new Set([
  "range",
  "dict",
  "lipsum",
  "cycler",
  "joiner",
  "namespace",
]);

/** The functions every template can call. */
export function createGlobals(clock: () => LocalTime): ReadonlyMap<string, Value> {
  const strftimeNow: Callable = (positional, keyword) => {
    const [format = null] = bindArguments(STRFTIME, positional, keyword);
    const text = textOf(format) ?? fail(`strftime() argument 1 must be str, not ${typeName(format)}`);
    return strftime(text, clock());
  };
  const functions: Readonly<Record<string, Callable>> = {
    range,
    dict,
    namespace: (positional, keyword) => new Namespace(dict(positional, keyword)),
    cycler: (positional) => new Cycler(positional),
    joiner: (positional, keyword) => new Joiner(positional[0] ?? keyword.get("sep") ?? ", "),
    lipsum: () => fail("lipsum is not supported in chat templates."),
    raise_exception: raiseException,
    strftime_now: strftimeNow,
  };
  return new Map(
    Object.entries(functions).map(([name, run]) => [name, new NativeFunction(name, run, "function")]),
  );
}
