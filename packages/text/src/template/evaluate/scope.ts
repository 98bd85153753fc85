import type { Value } from "../python/value.ts";
import type { Expression, Statement } from "../syntax/node.ts";
import type { Evaluate, Execute, Frame } from "./frame.ts";
import { Symbols } from "./symbols.ts";

/** One compiled function: the top level, a macro, or the body of a recursive loop. Counts its slots. */
export interface FunctionScope {
  readonly parent: FunctionScope | undefined;
  size: number;
}

/** Where a variable lives. */
export interface Location {
  readonly owner: FunctionScope;
  readonly slot: number;
}

/** What the parts of the compiler need from each other. */
export interface Compiler {
  expression(node: Expression, scope: Scope): Evaluate;
  statements(body: readonly Statement[], scope: Scope): Execute;
}

/** What the whole template shares while it is compiled. */
export class Unit {
  readonly root: FunctionScope = { parent: undefined, size: 0 };
  /** Slots of the root frame that are filled from the given variables before the start. */
  readonly resolved = new Map<string, Location>();
  /** Blocks by name. */
  readonly blocks = new Set<string>();

  /** The slot that holds the given variable of this name. */
  resolve(name: string): Location {
    const known = this.resolved.get(name);
    if (known !== undefined) return known;
    const location = { owner: this.root, slot: this.root.size++ };
    this.resolved.set(name, location);
    return location;
  }
}

/** Sets the variables of a scope to their first values. */
export type Enter = (frame: Frame) => void;

/** How a scope differs from the one around it; what is left out is as there. */
interface InnerOptions {
  readonly inLoop?: boolean;
  readonly isCaptured?: boolean;
}

/** A scope while it is compiled: its names, their places, and what surrounds it. */
export class Scope {
  readonly unit: Unit;
  readonly function: FunctionScope;
  readonly symbols: Symbols;
  private readonly parent: Scope | undefined;
  private readonly locations = new Map<string, Location>();
  /** Inside an `if`: unknown filters and tests fail only when they are reached. */
  readonly soft: boolean;
  /** Inside a loop of the same function: `break` and `continue` are valid. */
  readonly inLoop: boolean;
  /** Inside a block of the same function whose text is not printed as it comes: one that is set or filtered. */
  private readonly isCaptured: boolean;

  private constructor(fields: {
    readonly unit: Unit;
    readonly function: FunctionScope;
    readonly symbols: Symbols;
    readonly parent: Scope | undefined;
    readonly soft: boolean;
    readonly inLoop: boolean;
    readonly isCaptured: boolean;
    readonly locations?: Map<string, Location>;
  }) {
    this.unit = fields.unit;
    this.function = fields.function;
    this.symbols = fields.symbols;
    this.parent = fields.parent;
    this.soft = fields.soft;
    this.inLoop = fields.inLoop;
    this.isCaptured = fields.isCaptured;
    if (fields.locations !== undefined) this.locations = fields.locations;
  }

  /** The top level of a template, or of a block, which sees only the given variables. */
  static root(unit: Unit): Scope {
    const symbols = new Symbols(undefined);
    return new Scope({
      unit,
      function: unit.root,
      symbols,
      parent: undefined,
      soft: false,
      inLoop: false,
      isCaptured: false,
    });
  }

  /** Whether what is printed here goes straight to the output. */
  get printsStraight(): boolean {
    return this.function === this.unit.root && !this.isCaptured;
  }

  /** Whether it does so once and not in a loop. */
  get isTopLevel(): boolean {
    return this.printsStraight && !this.inLoop;
  }

  /** A scope inside this one, in the same function. */
  inner({ inLoop = this.inLoop, isCaptured = this.isCaptured }: InnerOptions = {}): Scope {
    return this.child(this.function, { inLoop, isCaptured });
  }

  /** A scope inside this one with frames of its own. */
  innerFunction(options: { readonly inLoop?: boolean } = {}): Scope {
    const inLoop = options.inLoop ?? false;
    return this.child({ parent: this.function, size: 0 }, { inLoop, isCaptured: false });
  }

  private child(owner: FunctionScope, surroundings: Required<InnerOptions>): Scope {
    const symbols = new Symbols(this.symbols);
    return new Scope({
      unit: this.unit,
      function: owner,
      symbols,
      parent: this,
      soft: false,
      ...surroundings,
    });
  }

  /** The same scope inside an `if`. */
  softened(): Scope {
    const { unit, symbols, parent, inLoop, isCaptured, locations } = this;
    return new Scope({
      unit,
      function: this.function,
      symbols,
      parent,
      soft: true,
      inLoop,
      isCaptured,
      locations,
    });
  }

  /** Gives every name of the finished symbols a place, and says how to set the first values. */
  allocate(): Enter {
    const clears: number[] = [];
    const copies: { readonly slot: number; readonly read: (frame: Frame) => Value | undefined }[] = [];
    for (const [name, load] of this.symbols.loads) {
      if (load.kind === "resolve" && (this.parent === undefined || !this.symbols.stores.has(name))) {
        this.locations.set(name, this.unit.resolve(name));
        continue;
      }
      const slot = this.function.size++;
      this.locations.set(name, { owner: this.function, slot });
      if (load.kind === "undefined") clears.push(slot);
      if (load.kind === "resolve")
        copies.push({ slot, read: readSlot(this.unit.resolve(name), this.function) });
      const outer = load.kind === "alias" ? this.parent?.locate(name) : undefined;
      if (outer !== undefined) copies.push({ slot, read: readSlot(outer, this.function) });
    }
    if (clears.length === 0 && copies.length === 0) return enterNothing;
    return (frame) => {
      for (const slot of clears) frame.slots[slot] = undefined;
      for (const copy of copies) frame.slots[copy.slot] = copy.read(frame);
    };
  }

  /** The place of a name that the symbols know. */
  locate(name: string): Location {
    const own = this.locations.get(name);
    if (own !== undefined) return own;
    return this.parent === undefined ? this.unit.resolve(name) : this.parent.locate(name);
  }
}

/** For scopes without anything to set. */
export function enterNothing(): void {}

/** The slot of a variable of the current function; `undefined` for any other expression. */
export function localSlot(node: Expression, scope: Scope): number | undefined {
  if (node.kind !== "name") return undefined;
  const location = scope.locate(node.name);
  return location.owner === scope.function ? location.slot : undefined;
}

/** Reads a slot, possibly of a surrounding function. */
export function readSlot(location: Location, from: FunctionScope): (frame: Frame) => Value | undefined {
  const { slot } = location;
  const hops = countHops(location.owner, from);
  if (hops === 0) return (frame) => frame.slots[slot];
  if (hops === 1) return (frame) => frame.parent?.slots[slot];
  return (frame) => ancestor(frame, hops).slots[slot];
}

/** Writes a slot, possibly of a surrounding function. */
export function writeSlot(location: Location, from: FunctionScope): (frame: Frame, value: Value) => void {
  const { slot } = location;
  const hops = countHops(location.owner, from);
  if (hops === 0) {
    return (frame, value) => {
      frame.slots[slot] = value;
    };
  }
  return (frame, value) => {
    ancestor(frame, hops).slots[slot] = value;
  };
}

function countHops(owner: FunctionScope, from: FunctionScope): number {
  let hops = 0;
  for (let at: FunctionScope | undefined = from; at !== undefined && at !== owner; at = at.parent) hops++;
  return hops;
}

function ancestor(frame: Frame, hops: number): Frame {
  let at = frame;
  for (let hop = 0; hop < hops; hop++) at = at.parent ?? at;
  return at;
}
