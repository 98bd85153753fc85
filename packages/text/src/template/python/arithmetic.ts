import { PythonFloat } from "../template-value.ts";
import { fail } from "./failure.ts";
import { escapeHtml } from "./html.ts";
import { isInteger, textOf, typeName } from "./kind.ts";
import { formatPercent } from "./percent-format.ts";
import { numeric } from "./compare.ts";
import { repeatText } from "./text-index.ts";
import { Undefined } from "./undefined.ts";
import { Markup, Tuple, type Value } from "./value.ts";

/** The arithmetic operators, as written. */
export type ArithmeticOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";

/** Longest list that `list * n` may build. */
const MAX_REPEATED_ITEMS = 10_000_000;

/** A Python float from a JavaScript number: boxed when its value is whole, so that it still prints as a float. */
export function makeFloat(value: number): Value {
  return Number.isInteger(value) ? new PythonFloat(value) : value;
}

/** A Python integer from a big one: a plain number while that is exact. */
export function makeInteger(value: bigint): Value {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** The operand of integer arithmetic (`bool` counts); `undefined` for other types. */
function integerOperand(value: Value): number | bigint | undefined {
  if (typeof value === "boolean") return value ? 1 : 0;
  return isInteger(value) ? value : undefined;
}

/** `left + right`. */
export function add(left: Value, right: Value): Value {
  if (typeof left === "string" && typeof right === "string") return left + right;
  const a = integerOperand(left);
  const b = integerOperand(right);
  if (a !== undefined && b !== undefined) {
    if (typeof a === "number" && typeof b === "number") {
      const sum = a + b;
      if (Number.isSafeInteger(sum)) return sum;
    }
    return makeInteger(BigInt(a) + BigInt(b));
  }
  const x = numeric(left);
  const y = numeric(right);
  if (x !== undefined && y !== undefined) return makeFloat(Number(x) + Number(y));
  return join(left, right) ?? unsupported("+", left, right);
}

function join(left: Value, right: Value): Value | undefined {
  if (left instanceof Markup || right instanceof Markup) {
    const a = textOf(left);
    const b = textOf(right);
    if (a !== undefined && b !== undefined) return new Markup(markupText(left, a) + markupText(right, b));
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return [...(left as readonly Value[]), ...(right as readonly Value[])];
  }
  if (left instanceof Tuple && right instanceof Tuple) return new Tuple([...left.values, ...right.values]);
  if (left instanceof Undefined || right instanceof Undefined) return undefined;
  if (typeof left === "string") return fail(`can only concatenate str (not "${typeName(right)}") to str`);
  if (Array.isArray(left)) return fail(`can only concatenate list (not "${typeName(right)}") to list`);
  if (left instanceof Tuple) return fail(`can only concatenate tuple (not "${typeName(right)}") to tuple`);
  return undefined;
}

function markupText(value: Value, text: string): string {
  return value instanceof Markup ? text : escapeHtml(text);
}

/** `left OPERATOR right` for every arithmetic operator. */
export function calculate(operator: ArithmeticOperator, left: Value, right: Value): Value {
  if (operator === "+") return add(left, right);
  if (operator === "%") {
    const text = textOf(left);
    if (text !== undefined) return formatPercent(text, right);
  }
  if (operator === "*") {
    const repeated = multiplySequence(left, right);
    if (repeated !== undefined) return repeated;
  }
  const a = integerOperand(left);
  const b = integerOperand(right);
  if (a !== undefined && b !== undefined) return calculateIntegers(operator, a, b);
  const x = numeric(left);
  const y = numeric(right);
  if (x === undefined || y === undefined) return unsupported(operator, left, right);
  return makeFloat(calculateFloats(operator, Number(x), Number(y)));
}

function isSequence(value: Value): boolean {
  return textOf(value) !== undefined || Array.isArray(value) || value instanceof Tuple;
}

function multiplySequence(left: Value, right: Value): Value | undefined {
  if (isSequence(left)) return repeat(left, right);
  return isSequence(right) ? repeat(right, left) : undefined;
}

function repeat(sequence: Value, count: Value): Value | undefined {
  const times = integerOperand(count);
  if (times === undefined) {
    if (count instanceof Undefined) return count.raise();
    return fail(`can't multiply sequence by non-int of type '${typeName(count)}'`);
  }
  const text = textOf(sequence);
  if (text !== undefined) {
    const repeated = repeatText(text, Number(times));
    return sequence instanceof Markup ? new Markup(repeated) : repeated;
  }
  if (sequence instanceof Tuple) return new Tuple(repeatItems(sequence.values, Number(times)));
  return repeatItems(sequence as readonly Value[], Number(times));
}

function repeatItems(items: readonly Value[], times: number): Value[] {
  const result: Value[] = [];
  // Python would end in a MemoryError, whose text is empty.
  if (items.length * times > MAX_REPEATED_ITEMS) fail("");
  for (let round = 0; round < times; round++) result.push(...items);
  return result;
}

function calculateIntegers(operator: ArithmeticOperator, a: number | bigint, b: number | bigint): Value {
  if (operator === "/") {
    if (b === 0) fail("division by zero");
    return makeFloat(Number(a) / Number(b));
  }
  if (b === 0 && (operator === "//" || operator === "%"))
    fail(operator === "//" ? "integer division or modulo by zero" : "integer modulo by zero");
  if (operator === "**" && b < 0) {
    if (a === 0) fail("0.0 cannot be raised to a negative power");
    return makeFloat(Number(a) ** Number(b));
  }
  if (typeof a === "number" && typeof b === "number") {
    const result = smallInteger(operator, a, b);
    if (Number.isSafeInteger(result)) return result === 0 ? 0 : result;
  }
  return makeInteger(bigInteger(operator, BigInt(a), BigInt(b)));
}

function smallInteger(operator: ArithmeticOperator, a: number, b: number): number {
  if (operator === "-") return a - b;
  if (operator === "*") return a * b;
  if (operator === "//") return Math.floor(a / b);
  if (operator === "%") return a - b * Math.floor(a / b);
  return a ** b;
}

function bigInteger(operator: ArithmeticOperator, a: bigint, b: bigint): bigint {
  if (operator === "-") return a - b;
  if (operator === "*") return a * b;
  if (operator === "**") return power(a, b);
  const remainder = a % b;
  const wraps = remainder !== 0n && remainder < 0n !== b < 0n;
  if (operator === "%") return wraps ? remainder + b : remainder;
  return wraps ? a / b - 1n : a / b;
}

/** Most bits a power may have. Python has no such bound, and would go on computing. */
const MAX_POWER_BITS = 1_000_000n;

function power(base: bigint, exponent: bigint): bigint {
  const bits = BigInt(base.toString(2).length);
  return bits * exponent > MAX_POWER_BITS && bits > 1n ? fail("integer too large") : base ** exponent;
}

function calculateFloats(operator: ArithmeticOperator, a: number, b: number): number {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0 ? fail("float division by zero") : a / b;
    case "//":
      return b === 0 ? fail("float floor division by zero") : Math.floor((a - modulo(a, b)) / b);
    case "%":
      return b === 0 ? fail("float modulo") : modulo(a, b);
    case "**":
      if (a === 0 && b < 0) return fail("0.0 cannot be raised to a negative power");
      return a ** b;
  }
}

/** The remainder with the sign of the divisor. */
function modulo(a: number, b: number): number {
  const remainder = a % b;
  if (remainder === 0) return b < 0 ? -0 : 0;
  return remainder < 0 === b < 0 ? remainder : remainder + b;
}

/** `-value` and `+value`. */
export function negate(operator: "-" | "+", value: Value): Value {
  const integer = integerOperand(value);
  if (integer !== undefined) {
    if (operator === "+") return integer;
    return typeof integer === "bigint" ? makeInteger(-integer) : 0 - integer;
  }
  const number = numeric(value);
  if (number !== undefined) return makeFloat(operator === "+" ? Number(number) : -Number(number));
  if (value instanceof Undefined) value.raise();
  return fail(`bad operand type for unary ${operator}: '${typeName(value)}'`);
}

function unsupported(operator: ArithmeticOperator, left: Value, right: Value): never {
  if (left instanceof Undefined) left.raise();
  if (right instanceof Undefined) right.raise();
  const written = operator === "**" ? "** or pow()" : operator;
  return fail(`unsupported operand type(s) for ${written}: '${typeName(left)}' and '${typeName(right)}'`);
}
