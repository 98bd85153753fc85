import { fail } from "./failure.ts";
import { reprString } from "./repr-string.ts";
import type { KeywordArguments, Value } from "./value.ts";

/** Parameters of a function written in Python: how jinja2's own filters and tests are declared. */
export interface Signature {
  /** The Python function's name, for messages. */
  readonly name: string;
  /** Parameter names, in order. */
  readonly parameters: readonly string[];
  /** How many of them have no default. */
  readonly required: number;
}

/** Binds the arguments of a call to the parameters as Python does; `undefined` marks a default. */
export function bindArguments(
  signature: Signature,
  positional: readonly Value[],
  keyword: KeywordArguments,
): readonly (Value | undefined)[] {
  const { name, parameters, required } = signature;
  if (positional.length > parameters.length) return tooMany(signature, positional.length);
  if (keyword.size === 0) {
    if (positional.length < required) missing(name, parameters.slice(positional.length, required));
    return positional;
  }
  const bound: (Value | undefined)[] = [...positional];
  bound.length = parameters.length;
  for (const [key, value] of keyword) {
    const index = parameters.indexOf(key);
    if (index === -1) fail(`${name}() got an unexpected keyword argument ${reprString(key)}`);
    if (index < positional.length) fail(`${name}() got multiple values for argument ${reprString(key)}`);
    bound[index] = value;
  }
  const absent = parameters.slice(0, required).filter((_, index) => bound[index] === undefined);
  if (absent.length > 0) missing(name, absent);
  return bound;
}

function missing(name: string, absent: readonly string[]): never {
  const names = absent.map(reprString);
  const last = names.at(-1) ?? "";
  const list =
    names.length <= 1
      ? last
      : names.length === 2
        ? names.join(" and ")
        : `${names.slice(0, -1).join(", ")}, and ${last}`;
  const plural = names.length === 1 ? "" : "s";
  return fail(`${name}() missing ${names.length} required positional argument${plural}: ${list}`);
}

function tooMany(signature: Signature, given: number): never {
  const { name, parameters, required } = signature;
  const most = parameters.length;
  const range = required === most ? String(most) : `from ${required} to ${most}`;
  const plural = required === most && most === 1 ? "" : "s";
  return fail(
    `${name}() takes ${range} positional argument${plural} but ${given} ${given === 1 ? "was" : "were"} given`,
  );
}

/** How many arguments a built-in method takes, and how its messages are worded. */
export interface Arity {
  readonly least: number;
  readonly most: number;
}

/** Checks the arguments of a method written in C, which takes no keywords; messages as CPython words them. */
export function checkArity(
  method: { readonly type: string; readonly name: string; readonly arity: Arity },
  count: number,
  keyword: KeywordArguments,
): void {
  const { type, name } = method;
  const { least, most } = method.arity;
  if (keyword.size > 0) fail(`${type}.${name}() takes no keyword arguments`);
  if (count >= least && count <= most) return;
  if (most === 0) fail(`${type}.${name}() takes no arguments (${count} given)`);
  if (least === most && most === 1) fail(`${type}.${name}() takes exactly one argument (${count} given)`);
  const bound = count < least ? least : most;
  const side = least === most ? "" : count < least ? "at least " : "at most ";
  fail(`${name} expected ${side}${bound} argument${bound === 1 ? "" : "s"}, got ${count}`);
}
