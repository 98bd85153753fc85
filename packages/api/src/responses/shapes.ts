import type { JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { dictionary, iterable, list } from "../validation/containers.ts";
import { optional, record, type RecordField, required } from "../validation/record.ts";
import { boolean, float, integer, literal, string } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { anything, nullable, type Validator } from "../validation/validator.ts";
import { SHAPE_TABLE } from "./shape-table.ts";

const SCALARS: ReadonlyMap<string, Validator<unknown>> = new Map<string, Validator<unknown>>([
  ["str", string()],
  ["int", integer()],
  ["float", float],
  ["bool", boolean],
  ["any", anything],
]);

const ROW = /^(\S+) (.*)$/;
const NAMED = /^([mt])\{(.*)\}$/;
const NAME = /[\w#]+/y;
const WORDS = /'[^']*'(?:,'[^']*')*/y;
const FIELD = /([\w.]+)([:~])/y;
const DEFAULT = /=(\S+)/y;

const rows = new Map<string, string>();
for (const line of SHAPE_TABLE.trim().split("\n")) {
  const [, name = "", text = ""] = ROW.exec(line) ?? [];
  rows.set(name, text);
}

const compiled = new Map<string, Validator<unknown>>();

/** Validator of a type of the table, by its name, or of a request field, by `$` and its name. Compiled on first use. */
export function shape(name: string): Validator<unknown> {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const text = rows.get(name);
  if (text === undefined) throw new RangeError(`no shape is called ${name}`);
  const validator = compileRow(name, text);
  compiled.set(name, validator);
  return validator;
}

function compileRow(name: string, text: string): Validator<unknown> {
  const [, kind, fields] = NAMED.exec(text) ?? [];
  if (fields === undefined) return new ShapeReader(text).type();
  return record({
    name: name.split("#", 1)[0] as string,
    kind: kind === "m" ? "model" : "typed-dict",
    fields: new ShapeReader(fields).fields(),
  });
}

/** A type that is compiled when a value first meets it: types refer to each other, and to themselves. */
function deferred(name: string): Validator<unknown> {
  return {
    label: name.split("#", 1)[0] as string,
    validate: (input, state) => shape(name).validate(input, state),
  };
}

class ShapeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** All fields of a type. */
  fields(): Readonly<Record<string, RecordField>> {
    const fields: Record<string, RecordField> = {};
    while (this.#at < this.#text.length) {
      const [, key = "", mark] = this.#match(FIELD);
      const type = this.type();
      const fallback = this.#text[this.#at] === "=" ? this.#match(DEFAULT)[1] : undefined;
      fields[key] =
        mark === ":"
          ? required(type)
          : optional(type, fallback === undefined ? undefined : parseJson(fallback));
      this.#skip(" ");
    }
    return fields;
  }

  /** One type with its marks of being nullable. */
  type(): Validator<unknown> {
    let type = this.#base();
    while (this.#text[this.#at] === "?") {
      this.#at++;
      type = nullable(type);
    }
    return type;
  }

  #base(): Validator<unknown> {
    switch (this.#text[this.#at]) {
      case "(":
        return this.#union();
      case "[":
        return this.#enclosed((item) => list(item));
      case "<":
        return this.#enclosed((item) => iterable(item as Validator<JsonValue>));
      case "{":
        return this.#enclosed((item) => dictionary(string(), item));
      case "'": {
        const [words] = this.#match(WORDS);
        return literal(...(words as string).slice(1, -1).split("','"));
      }
      default: {
        const [name = ""] = this.#match(NAME);
        return SCALARS.get(name) ?? deferred(name);
      }
    }
  }

  #enclosed(wrap: (item: Validator<unknown>) => Validator<unknown>): Validator<unknown> {
    this.#at++;
    const item = this.type();
    this.#at++;
    return wrap(item);
  }

  #union(): Validator<unknown> {
    const members: Validator<unknown>[] = [];
    do {
      this.#at++;
      members.push(this.type());
    } while (this.#text[this.#at] === "|");
    this.#at++;
    return union(...members);
  }

  #skip(character: string): void {
    if (this.#text[this.#at] === character) this.#at++;
  }

  #match(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null)
      throw new RangeError(`not a shape at ${this.#at}: ${this.#text.slice(this.#at, this.#at + 40)}`);
    this.#at = pattern.lastIndex;
    return match;
  }
}
