import type { FloatValue } from "../template-value.ts";

/** Any value an expression of a template can have: the given JSON values plus what Python adds to them. */
export type Value =
  | string
  | boolean
  | null
  | number
  | bigint
  | FloatValue
  | readonly Value[]
  | ReadonlyMap<Value, Value>
  | PythonObject;

/** Keyword arguments of a call, in the order written. */
export type KeywordArguments = ReadonlyMap<string, Value>;

/** What a call needs to know: positional and keyword arguments. */
export type Callable = (positional: readonly Value[], keyword: KeywordArguments) => Value;

/** No keyword arguments. */
export const NO_KEYWORDS: KeywordArguments = new Map();

/**
 * Base of every value that is neither JSON nor a plain container. Each method is one Python protocol;
 * the default is "this type does not take part in it".
 */
export abstract class PythonObject {
  /** `type(x).__name__`. */
  abstract readonly typeName: string;

  /** Module-qualified name as jinja2 prints it in messages. */
  get qualifiedTypeName(): string {
    return this.typeName;
  }

  /** `bool(x)`. */
  truthy(): boolean {
    return true;
  }

  /** `len(x)`; `undefined` when the type has none. */
  length(): number | undefined {
    return undefined;
  }

  /** All items of `iter(x)`; `undefined` when not iterable. Drains a generator. */
  items(): readonly Value[] | undefined {
    return undefined;
  }

  /** `getattr(x, name)`; `undefined` when there is no such attribute. */
  attribute(_name: string): Value | undefined {
    return undefined;
  }

  /** `x[key]`; `undefined` for a missing key and for types that cannot be subscribed. */
  item(_key: Value): Value | undefined {
    return undefined;
  }

  /** `x == other`. */
  equals(other: Value): boolean {
    return this === other;
  }

  /** How to call it; `undefined` when not callable. */
  get callable(): Callable | undefined {
    return undefined;
  }

  /** `repr(x)`; `reprOf` prints nested values. */
  abstract repr(reprOf: (value: Value) => string): string;

  /** `str(x)`. */
  str(reprOf: (value: Value) => string): string {
    return this.repr(reprOf);
  }
}

/** A tuple: a sequence that prints with parentheses. */
export class Tuple extends PythonObject {
  readonly typeName = "tuple";
  readonly values: readonly Value[];

  constructor(values: readonly Value[]) {
    super();
    this.values = values;
  }

  override truthy(): boolean {
    return this.values.length > 0;
  }

  override length(): number {
    return this.values.length;
  }

  override items(): readonly Value[] {
    return this.values;
  }

  override repr(reprOf: (value: Value) => string): string {
    const inner = this.values.map(reprOf).join(", ");
    return this.values.length === 1 ? `(${inner},)` : `(${inner})`;
  }
}

/** One group of the `groupby` filter: a tuple whose two items also have names. */
export class GroupTuple extends Tuple {
  override attribute(name: string): Value | undefined {
    if (name === "grouper") return this.values[0];
    return name === "list" ? this.values[1] : undefined;
  }
}

/** `dict.keys()`, `dict.values()` or `dict.items()`. */
export class DictView extends PythonObject {
  readonly typeName: string;
  private readonly kind: "keys" | "values" | "items";
  private readonly map: ReadonlyMap<Value, Value>;

  constructor(kind: "keys" | "values" | "items", map: ReadonlyMap<Value, Value>) {
    super();
    this.kind = kind;
    this.map = map;
    this.typeName = `dict_${kind}`;
  }

  override truthy(): boolean {
    return this.map.size > 0;
  }

  override length(): number {
    return this.map.size;
  }

  override items(): readonly Value[] {
    if (this.kind === "keys") return [...this.map.keys()];
    if (this.kind === "values") return [...this.map.values()];
    const pairs: Value[] = [];
    for (const pair of this.map) pairs.push(new Tuple(pair));
    return pairs;
  }

  override repr(reprOf: (value: Value) => string): string {
    return `${this.typeName}([${this.items().map(reprOf).join(", ")}])`;
  }
}

/** `range(start, stop, step)`. */
export class Range extends PythonObject {
  readonly typeName = "range";
  readonly values: readonly number[];
  private readonly bounds: readonly [start: number, stop: number, step: number];

  constructor(bounds: readonly [start: number, stop: number, step: number], values: readonly number[]) {
    super();
    this.bounds = bounds;
    this.values = values;
  }

  /** `range[start:stop:step]`, with bounds already clamped to the length. */
  section(bounds: readonly [start: number, stop: number, step: number]): Range {
    const [first, , width] = this.bounds;
    const [start, stop, step] = bounds;
    const values: number[] = [];
    for (let index = start; step > 0 ? index < stop : index > stop; index += step)
      values.push(first + index * width);
    return new Range([first + start * width, first + stop * width, width * step], values);
  }

  override truthy(): boolean {
    return this.values.length > 0;
  }

  override length(): number {
    return this.values.length;
  }

  override items(): readonly Value[] {
    return this.values;
  }

  override equals(other: Value): boolean {
    return (
      other instanceof Range &&
      other.values.length === this.values.length &&
      other.values.every((value, index) => value === this.values[index])
    );
  }

  override repr(): string {
    const [start, stop, step] = this.bounds;
    return step === 1 ? `range(${start}, ${stop})` : `range(${start}, ${stop}, ${step})`;
  }
}

/** A one-shot lazy sequence: a Python generator or iterator. It has no length and remembers its place. */
export class LazySequence extends PythonObject {
  readonly typeName: string;
  private readonly label: string;
  private readonly source: Iterator<Value>;

  constructor(typeName: string, source: Iterator<Value>, label = `${typeName} object`) {
    super();
    this.typeName = typeName;
    this.source = source;
    this.label = label;
  }

  /** The next item; `undefined` at the end. */
  next(): Value | undefined {
    const result = this.source.next();
    return result.done === true ? undefined : result.value;
  }

  override items(): readonly Value[] {
    const rest: Value[] = [];
    for (let value = this.next(); value !== undefined; value = this.next()) rest.push(value);
    return rest;
  }

  override repr(): string {
    return `<${this.label} at 0x7f0000000000>`;
  }
}

/** A function of the environment or a bound method. */
export class NativeFunction extends PythonObject {
  readonly typeName: string;
  readonly name: string;
  private readonly implementation: Callable;

  constructor(name: string, implementation: Callable, typeName = "builtin_function_or_method") {
    super();
    this.name = name;
    this.implementation = implementation;
    this.typeName = typeName;
  }

  override get callable(): Callable {
    return this.implementation;
  }

  override repr(): string {
    return this.typeName === "function"
      ? `<function ${this.name} at 0x7f0000000000>`
      : `<built-in method ${this.name}>`;
  }
}

/** The `namespace(...)` object: the only value a template can change. */
export class Namespace extends PythonObject {
  readonly typeName = "Namespace";
  readonly attributes: Map<Value, Value>;

  constructor(attributes: Map<Value, Value>) {
    super();
    this.attributes = attributes;
  }

  override get qualifiedTypeName(): string {
    return "jinja2.utils.Namespace";
  }

  override attribute(name: string): Value | undefined {
    return this.attributes.get(name);
  }

  override repr(reprOf: (value: Value) => string): string {
    return `<Namespace ${reprOf(this.attributes)}>`;
  }
}

/** A string marked as safe HTML (`escape`, `safe`): joining it with `+` escapes the other side. */
export class Markup extends PythonObject {
  readonly typeName = "Markup";
  readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  override get qualifiedTypeName(): string {
    return "markupsafe.Markup";
  }

  override truthy(): boolean {
    return this.text !== "";
  }

  override equals(other: Value): boolean {
    return other instanceof Markup ? other.text === this.text : other === this.text;
  }

  override repr(reprOf: (value: Value) => string): string {
    return `Markup(${reprOf(this.text)})`;
  }

  override str(): string {
    return this.text;
  }
}
