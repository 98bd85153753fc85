/**
 * A float as Python prints it (`repr`), and as `json.dumps` does: `1.0`, `1e-05`, `1e+16`, `nan`, `inf`.
 * `json.dumps` differs only for the last two (`NaN`, `Infinity`).
 */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  if (size >= 1e16 || (size < 1e-4 && size !== 0)) {
    const text = value.toExponential();
    const mark = text.indexOf("e");
    const digits = text.slice(mark + 2);
    return `${text.slice(0, mark + 2)}${digits.length < 2 ? "0" : ""}${digits}`;
  }
  return withFraction(value);
}

/**
 * A float as pydantic's own serialiser prints it (stream chunks): like {@link pythonFloat} but for small numbers
 * (`0.00001`, `1e-6`), and `null` for numbers that are not finite.
 */
export function pydanticFloat(value: number): string {
  if (!Number.isFinite(value)) return "null";
  const size = Math.abs(value);
  if (size >= 1e16 || (size < 1e-5 && size !== 0)) return value.toExponential();
  return withFraction(value);
}

function withFraction(value: number): string {
  if (!Number.isInteger(value)) return String(value);
  return Object.is(value, -0) ? "-0.0" : `${value}.0`;
}
