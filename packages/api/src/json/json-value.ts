/**
 * A number whose text had a fraction or an exponent, or was `NaN`, `Infinity` or `-Infinity`: a Python `float`.
 * `1.0` and `1` are different values to templates (`tojson`) and to validators, so the difference is kept.
 */
export class JsonFloat {
  readonly isFloat = true as const;
  /** The number; `Infinity` for a text too large for a double, as in Python. */
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** An object; keys keep their order (numeric ones too), a repeated key keeps its first place and its last value. */
export type JsonObject = Map<string, JsonValue>;

/**
 * What {@link parseJson} returns. Integers are `number` up to 2^53 and `bigint` beyond; other numbers are
 * {@link JsonFloat}.
 */
export type JsonValue =
  | string
  | boolean
  | null
  | number
  | bigint
  | JsonFloat
  | readonly JsonValue[]
  | JsonObject;

/** True for a JSON object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

/** True for a JSON array. */
export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** True for a Python `int` (booleans are not counted, unlike in Python). */
export function isJsonInteger(value: JsonValue | undefined): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}
