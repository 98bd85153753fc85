import { bindArguments, type Signature } from "../python/arguments.ts";
import type { KeywordArguments, Value } from "../python/value.ts";

/** A filter as the compiler and `map` use it. */
export type Filter = (value: Value, positional: readonly Value[], keyword: KeywordArguments) => Value;

/** A test as the compiler and `select` use it. */
export type Test = (value: Value, positional: readonly Value[], keyword: KeywordArguments) => boolean;

/** Arguments after binding: `undefined` where the default applies. */
export type Bound = readonly (Value | undefined)[];

/**
 * Describes a Python function from its parameter list: `"do_trim value chars="` has one required and one
 * optional parameter.
 */
export function signature(declaration: string): Signature {
  const [name = "", ...parameters] = declaration.split(" ");
  return {
    name,
    parameters: parameters.map((parameter) => parameter.replace("=", "")),
    required: parameters.filter((parameter) => !parameter.endsWith("=")).length,
  };
}

/** A function of all bound arguments, the filtered value first, as a filter. */
export function define<T extends Value>(
  declaration: string,
  implementation: (bound: Bound, value: Value) => T,
): (value: Value, positional: readonly Value[], keyword: KeywordArguments) => T {
  const description = signature(declaration);
  const needsNothing = description.required <= 1;
  return (value, positional, keyword) => {
    if (needsNothing && positional.length === 0 && keyword.size === 0) return implementation([value], value);
    return implementation(bindArguments(description, [value, ...positional], keyword), value);
  };
}
