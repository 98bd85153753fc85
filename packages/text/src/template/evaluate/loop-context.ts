import { equals } from "../python/compare.ts";
import { fail } from "../python/failure.ts";
import { Undefined } from "../python/undefined.ts";
import {
  LazySequence,
  NativeFunction,
  PythonObject,
  Tuple,
  type Callable,
  type Value,
} from "../python/value.ts";

/** Renders the body of a recursive loop over other items. */
export type Recurse = (items: Value, depth: number) => string;

/** The `loop` variable. */
export class LoopContext extends PythonObject {
  readonly typeName = "LoopContext";
  /** Number of the current item, from 0. */
  index0 = -1;
  private readonly depth0: number;
  private readonly recurse: Recurse | undefined;
  /** All items when they are known beforehand. */
  private known: readonly Value[] | undefined;
  private readonly lazy: LazySequence | undefined;
  /** The item after the current one of a lazy sequence, once it was asked for. */
  private ahead: Value | undefined;
  private current: Value | undefined;
  private before: Value | undefined;
  private lastChanged: Tuple | undefined;

  constructor(
    source: readonly Value[] | LazySequence,
    recursion?: { readonly recurse: Recurse; readonly depth0: number },
  ) {
    super();
    if (source instanceof LazySequence) this.lazy = source;
    else this.known = source as readonly Value[];
    this.recurse = recursion?.recurse;
    this.depth0 = recursion?.depth0 ?? 0;
  }

  /** Moves to the next item and returns it; `undefined` at the end. */
  advance(): Value | undefined {
    if (this.known !== undefined) {
      const next = this.known[this.index0 + 1];
      if (next !== undefined) this.index0++;
      return next;
    }
    const next = this.peek();
    this.ahead = undefined;
    if (next === undefined) return undefined;
    this.index0++;
    this.before = this.current;
    this.current = next;
    return next;
  }

  private get previous(): Value | undefined {
    return this.known === undefined ? this.before : this.known[this.index0 - 1];
  }

  private peek(): Value | undefined {
    if (this.known !== undefined) return this.known[this.index0 + 1];
    if (this.ahead === undefined) this.ahead = this.lazy?.next();
    return this.ahead;
  }

  override get qualifiedTypeName(): string {
    return "jinja2.runtime.LoopContext";
  }

  /** How many items there are; takes in the rest of a lazy sequence to find out. */
  override length(): number {
    if (this.known !== undefined) return this.known.length;
    const next = this.peek();
    const rest = next === undefined ? [] : [next, ...(this.lazy?.items() ?? [])];
    // Of the items already passed only the last two can still be asked for.
    const passed: Value[] = Array.from({ length: this.index0 + 1 }, () => null);
    if (this.index0 > 0) passed[this.index0 - 1] = this.before ?? null;
    if (this.index0 >= 0) passed[this.index0] = this.current ?? null;
    this.known = [...passed, ...rest];
    return this.known.length;
  }

  override truthy(): boolean {
    return this.length() > 0;
  }

  /** Whether the current item is the last. */
  get last(): boolean {
    return this.peek() === undefined;
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case "index0":
        return this.index0;
      case "index":
        return this.index0 + 1;
      case "first":
        return this.index0 === 0;
      case "last":
        return this.last;
      case "length":
        return this.length();
      case "revindex0":
        return this.length() - this.index0 - 1;
      case "revindex":
        return this.length() - this.index0;
      case "depth0":
        return this.depth0;
      case "depth":
        return this.depth0 + 1;
      case "previtem":
        return this.index0 === 0 ? new Undefined({ hint: "there is no previous item" }) : this.previous;
      case "nextitem":
        return this.nextItem();
      case "cycle":
        return new NativeFunction("cycle", (items) => this.cycle(items), "method");
      case "changed":
        return new NativeFunction("changed", (values) => this.changed(values), "method");
      default:
        return undefined;
    }
  }

  private nextItem(): Value {
    const next = this.peek();
    return next === undefined ? new Undefined({ hint: "there is no next item" }) : next;
  }

  private cycle(items: readonly Value[]): Value {
    const item = items[this.index0 % items.length];
    return item === undefined ? fail("no items for cycling given") : item;
  }

  private changed(values: readonly Value[]): boolean {
    const now = new Tuple(values);
    if (this.lastChanged !== undefined && equals(this.lastChanged, now)) return false;
    this.lastChanged = now;
    return true;
  }

  override get callable(): Callable {
    return ([items]) => {
      if (this.recurse === undefined) {
        return fail("The loop must have the 'recursive' marker to be called recursively.");
      }
      return items === undefined
        ? fail("LoopContext.__call__() missing 1 required positional argument: 'iterable'")
        : this.recurse(items, this.depth0 + 1);
    };
  }

  override repr(): string {
    return `<LoopContext ${this.index0 + 1}/${this.length()}>`;
  }
}
