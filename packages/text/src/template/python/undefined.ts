import { fail } from "./failure.ts";
import { reprString } from "./repr-string.ts";
import { isFloat, typeName } from "./kind.ts";
import { PythonObject, type Callable, type Value } from "./value.ts";

/** What an undefined value remembers of the lookup that failed, for the message when it is used. */
export interface UndefinedOrigin {
  /** A finished message; wins over the rest. */
  readonly hint?: string;
  /** The object that was asked, when there was one. */
  readonly object?: Value;
  /** The attribute or key looked for, or the name of the variable. */
  readonly name?: Value;
}

/**
 * jinja2's `Undefined`: prints as nothing, is empty and false, and raises as soon as it is used for anything
 * else.
 */
export class Undefined extends PythonObject {
  readonly typeName = "Undefined";
  private readonly origin: UndefinedOrigin;

  constructor(origin: UndefinedOrigin) {
    super();
    this.origin = origin;
  }

  override get qualifiedTypeName(): string {
    return "jinja2.runtime.Undefined";
  }

  override truthy(): boolean {
    return false;
  }

  override length(): number {
    return 0;
  }

  override items(): readonly Value[] {
    return [];
  }

  override attribute(): never {
    return this.raise();
  }

  override item(): never {
    return this.raise();
  }

  override equals(other: Value): boolean {
    return other instanceof Undefined;
  }

  override get callable(): Callable {
    return () => this.raise();
  }

  override repr(): string {
    return "Undefined";
  }

  override str(): string {
    return "";
  }

  /** Raises jinja2's `UndefinedError`. */
  raise(): never {
    return fail(this.message);
  }

  private get message(): string {
    const { hint, object, name = null } = this.origin;
    if (hint !== undefined) return hint;
    if (object === undefined) return `${nameText(name)} is undefined`;
    const owner = objectTypeText(object);
    if (typeof name !== "string") return `${owner} has no element ${nameText(name)}`;
    return `${reprString(owner)} has no attribute ${reprString(name)}`;
  }
}

function nameText(name: Value): string {
  if (typeof name === "string") return reprString(name);
  if (name === null) return "None";
  if (typeof name === "boolean") return name ? "True" : "False";
  if (typeof name === "number" || typeof name === "bigint") return String(name);
  return isFloat(name) ? String(name.value) : typeName(name);
}

function objectTypeText(object: Value): string {
  if (object === null) return "None";
  const name = object instanceof PythonObject ? object.qualifiedTypeName : typeName(object);
  return `${name} object`;
}
