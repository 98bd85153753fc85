import { JsonFloat, type JsonValue } from "../json/json-value.ts";
import { codePointLength, pythonStringRepr } from "../json/python-text.ts";
import { isWellFormed } from "../json/well-formed.ts";
import { issue, issueWithContext, type Issues } from "./issue.ts";
import { floorExactness, LAX, STRICT, type Validator } from "./validator.ts";

/** A whole number: `number` up to 2^53, `bigint` beyond. */
export type Integer = number | bigint;

/** Bounds of {@link string}. */
export interface StringBounds {
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** A string; nothing is converted to one. */
export function string(bounds: StringBounds = {}): Validator<string> {
  const { minLength = 0, maxLength = Number.MAX_SAFE_INTEGER } = bounds;
  const constrained = minLength > 0 || bounds.maxLength !== undefined;
  return {
    label: constrained ? "constrained-str" : "str",
    validate(input) {
      if (typeof input !== "string") return issue("string_type", "Input should be a valid string", input);
      // Lone surrogates are part of Python's strings, and are found where a string is measured or encoded.
      if (!constrained) return input;
      if (!isWellFormed(input)) return notUnicode(input);
      const length = codePointLength(input);
      if (length < minLength) {
        return issueWithContext({
          type: "string_too_short",
          message: `String should have at least ${plural(minLength, "character")}`,
          input,
          context: [["min_length", minLength]],
        });
      }
      if (length > maxLength) {
        return issueWithContext({
          type: "string_too_long",
          message: `String should have at most ${plural(maxLength, "character")}`,
          input,
          context: [["max_length", maxLength]],
        });
      }
      return input;
    },
  };
}

function notUnicode(input: JsonValue): Issues {
  const message = "Input should be a valid string, unable to parse raw data as a unicode string";
  return issue("string_unicode", message, input);
}

/** Bounds of {@link integer}. */
export interface IntegerBounds {
  readonly atLeast?: Integer;
  readonly atMost?: Integer;
}

/** A whole number; strings that spell one, floats without a fraction and booleans are converted. */
export function integer(bounds: IntegerBounds = {}): Validator<Integer> {
  const { atLeast, atMost } = bounds;
  return {
    label: atLeast === undefined && atMost === undefined ? "int" : "constrained-int",
    validate(input, state) {
      let value: Integer | Issues;
      if (typeof input === "number" || typeof input === "bigint") value = input;
      else {
        floorExactness(state, LAX);
        value = convertToInteger(input);
        if (typeof value === "object") return value;
      }
      if (atMost !== undefined && value > atMost) {
        const message = `Input should be less than or equal to ${atMost}`;
        return issueWithContext({ type: "less_than_equal", message, input, context: [["le", atMost]] });
      }
      if (atLeast !== undefined && value < atLeast) {
        const message = `Input should be greater than or equal to ${atLeast}`;
        return issueWithContext({ type: "greater_than_equal", message, input, context: [["ge", atLeast]] });
      }
      return value;
    },
  };
}

const INTEGER_TEXT = /^([+-]?)0*(\d+(?:_\d+)*)(?:\.0+)?$/;

function convertToInteger(input: JsonValue): Integer | Issues {
  if (typeof input === "boolean") return input ? 1 : 0;
  if (typeof input === "string") {
    const match = INTEGER_TEXT.exec(input.trim());
    if (match === null) {
      const message = "Input should be a valid integer, unable to parse string as an integer";
      return issue("int_parsing", message, input);
    }
    const digits = (match[2] as string).replaceAll("_", "");
    if (digits.length > 4300) return tooLarge(input);
    return smallest(BigInt((match[1] === "-" ? "-" : "") + digits));
  }
  if (input instanceof JsonFloat) {
    if (!Number.isFinite(input.value))
      return issue("finite_number", "Input should be a finite number", input);
    if (!Number.isInteger(input.value)) {
      const message = "Input should be a valid integer, got a number with a fractional part";
      return issue("int_from_float", message, input);
    }
    return fitsInt64(input.value) ? smallest(BigInt(input.value)) : tooLarge(input);
  }
  return issue("int_type", "Input should be a valid integer", input);
}

function tooLarge(input: JsonValue): Issues {
  return issue(
    "int_parsing_size",
    "Unable to parse input string as an integer, exceeded maximum size",
    input,
  );
}

function smallest(value: bigint): Integer {
  return value <= 9007199254740992n && value >= -9007199254740992n ? Number(value) : value;
}

const FLOAT_TEXT = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?$/;
const NOT_FINITE_TEXT = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i;

/** A number as Python's `float`; whole numbers, strings that spell a number and booleans are converted. */
export const float: Validator<JsonFloat> = {
  label: "float",
  validate(input, state) {
    if (input instanceof JsonFloat) return input;
    if (typeof input === "number" || typeof input === "bigint") {
      floorExactness(state, STRICT);
      const value = Number(input);
      if (Number.isFinite(value)) return new JsonFloat(value);
      return issue("float_type", "Input should be a valid number", input);
    }
    floorExactness(state, LAX);
    if (typeof input === "boolean") return new JsonFloat(input ? 1 : 0);
    if (typeof input !== "string") return issue("float_type", "Input should be a valid number", input);
    const text = input.trim();
    if (FLOAT_TEXT.test(text)) return new JsonFloat(Number(text.replaceAll("_", "")));
    const special = NOT_FINITE_TEXT.exec(text);
    if (special === null) {
      return issue(
        "float_parsing",
        "Input should be a valid number, unable to parse string as a number",
        input,
      );
    }
    return new JsonFloat(special[2] !== undefined ? NaN : special[1] === "-" ? -Infinity : Infinity);
  },
};

const TRUE_TEXT = new Set(["1", "on", "t", "true", "y", "yes"]);
const FALSE_TEXT = new Set(["0", "off", "f", "false", "n", "no"]);

/** A boolean; 0, 1 and the usual words are converted. */
export const boolean: Validator<boolean> = {
  label: "bool",
  validate(input, state) {
    if (typeof input === "boolean") return input;
    floorExactness(state, LAX);
    if (typeof input === "string") {
      const word = input.toLowerCase();
      if (TRUE_TEXT.has(word)) return true;
      if (FALSE_TEXT.has(word)) return false;
    } else {
      const value = input instanceof JsonFloat && Number.isInteger(input.value) ? input.value : input;
      if (value === 1) return true;
      if (value === 0) return false;
      if ((typeof value !== "number" && typeof value !== "bigint") || !fitsInt64(value)) {
        return issue("bool_type", "Input should be a valid boolean", input);
      }
    }
    return issue("bool_parsing", "Input should be a valid boolean, unable to interpret input", input);
  },
};

function fitsInt64(value: Integer): boolean {
  return value >= -(2n ** 63n) && value < 2n ** 63n;
}

/** One of the given words. */
export function literal<const T extends string>(...words: readonly T[]): Validator<T> {
  const expected = oneOf(words.map(pythonStringRepr));
  const known = new Set<JsonValue>(words);
  return {
    label: `literal[${words.map(pythonStringRepr).join(",")}]`,
    validate(input) {
      if (known.has(input)) return input as T;
      if (typeof input === "string" && !isWellFormed(input)) return notUnicode(input);
      return issueWithContext({
        type: "literal_error",
        message: `Input should be ${expected}`,
        input,
        context: [["expected", expected]],
      });
    },
  };
}

/** `a`, `a or b`, `a, b or c`. */
function oneOf(items: readonly string[]): string {
  if (items.length < 2) return items[0] ?? "";
  return `${items.slice(0, -1).join(", ")} or ${items.at(-1)}`;
}

/** `1 item`, `2 items`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
