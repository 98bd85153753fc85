/**
 * A JSON number whose text had a fraction or an exponent. Python reads it as a float and prints it as one
 * (`1.0`), so it is kept apart from integers. Recognised structurally: `isFloat` is the brand.
 */
export interface FloatValue {
  readonly isFloat: true;
  readonly value: number;
}

/**
 * A value given to a chat template: JSON without loss.
 *
 * - objects are `Map`s, so that every key keeps its place, numeric keys too;
 * - integers are `number` while safe, else `bigint`;
 * - numbers written with a fraction or an exponent are {@link FloatValue}s.
 *
 * A plain `number` that is not an integer counts as a float.
 */
export type TemplateValue =
  | string
  | boolean
  | null
  | number
  | bigint
  | FloatValue
  | readonly TemplateValue[]
  | ReadonlyMap<string, TemplateValue>;

/** A Python float, for callers that build template values by hand: `new PythonFloat(1)` prints as `1.0`. */
export class PythonFloat implements FloatValue {
  readonly isFloat = true;
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}
