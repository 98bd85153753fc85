import type { JsonValue } from "../json/json-value.ts";
import { Issues } from "./issue.ts";

/** How well a value fitted: converted, converted without loss, or of the very type. */
export const LAX = 0;
/** See {@link LAX}. */
export const STRICT = 1;
/** See {@link LAX}. */
export const EXACT = 2;

/** What the members of a union are compared by; see pydantic's "smart mode". */
export interface ValidationState {
  /** Undefined outside unions, where nobody asks. */
  exactness: number | undefined;
  /** Fields given, counted through nested objects; undefined when no object was met. */
  fieldsSet: number | undefined;
  /** A body that the server itself puts together: a model is told otherwise that it takes no such value. */
  readonly isPython?: boolean;
}

/** Checks a value and converts it as pydantic does in lax mode. */
export interface Validator<T = JsonValue> {
  /** Pydantic's name of the validator; labels the errors of union members. */
  readonly label: string;
  validate(input: JsonValue, state: ValidationState): T | Issues;
}

/** The value type of a validator. */
export type Validated<V> = V extends Validator<infer T> ? T : never;

/** State for a validation that is not inside a union. */
export function freshState(): ValidationState {
  return { exactness: undefined, fieldsSet: undefined };
}

/** Notes that a value fitted no better than `exactness`. */
export function floorExactness(state: ValidationState, exactness: number): void {
  if (state.exactness !== undefined && state.exactness > exactness) state.exactness = exactness;
}

/** Notes that an object with so many known fields was met. */
export function addFieldsSet(state: ValidationState, count: number): void {
  state.fieldsSet = (state.fieldsSet ?? 0) + count;
}

/** `validator`, or null. */
export function nullable<T>(validator: Validator<T>): Validator<T | null> {
  return {
    label: `nullable[${validator.label}]`,
    validate: (input, state) => (input === null ? null : validator.validate(input, state)),
  };
}

/** Any value, as it is. */
export const anything: Validator = {
  label: "any",
  validate(input, state) {
    floorExactness(state, LAX);
    return input;
  },
};

/** Replaces the input before `validator` sees it; `change` may throw an error that ends the request. */
export function before<T>(change: (input: JsonValue) => JsonValue, validator: Validator<T>): Validator<T> {
  return {
    label: `function-before[${validator.label}]`,
    validate: (input, state) => validator.validate(change(input), state),
  };
}

/** Checks a value that `validator` accepted; `check` gives findings, or undefined when it has none. */
export function after<T>(
  validator: Validator<T>,
  check: (value: T, input: JsonValue) => Issues | undefined,
): Validator<T> {
  return {
    label: `function-after[${validator.label}]`,
    validate(input, state) {
      const value = validator.validate(input, state);
      return isIssues(value) ? value : (check(value, input) ?? value);
    },
  };
}

/** Tells a value from a list of findings. */
export function isIssues(result: unknown): result is Issues {
  return result instanceof Issues;
}
