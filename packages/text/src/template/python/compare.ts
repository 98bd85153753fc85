import { fail } from "./failure.ts";
import { isFloat, textOf, typeName } from "./kind.ts";
import { Undefined } from "./undefined.ts";
import { DictView, PythonObject, Tuple, type Value } from "./value.ts";

/** `bool(x)`. */
export function truthy(value: Value): boolean {
  switch (typeof value) {
    case "string":
      return value !== "";
    case "boolean":
      return value;
    case "number":
      return value !== 0;
    case "bigint":
      return value !== 0n;
    default:
  }
  if (value === null) return false;
  if (value instanceof PythonObject) return value.truthy();
  if (value instanceof Map) return value.size > 0;
  if (Array.isArray(value)) return value.length > 0;
  return (value as { value: number }).value !== 0;
}

/** A number in JavaScript terms, for comparing across int, float and bool; `undefined` for other types. */
export function numeric(value: Value): number | bigint | undefined {
  switch (typeof value) {
    case "number":
    case "bigint":
      return value;
    case "boolean":
      return value ? 1 : 0;
    default:
      return isFloat(value) ? value.value : undefined;
  }
}

/** `left == right`. */
export function equals(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (typeof left === "string" && typeof right === "string") return false;
  const leftNumber = numeric(left);
  if (leftNumber !== undefined) {
    const rightNumber = numeric(right);
    // oxlint-disable-next-line eqeqeq -- compares bigint with number by value
    return rightNumber !== undefined && leftNumber == rightNumber;
  }
  if (left instanceof Tuple) return right instanceof Tuple && sameItems(left.values, right.values);
  if (left instanceof DictView || right instanceof DictView) return sameViews(left, right);
  if (left instanceof PythonObject) return left.equals(right);
  if (right instanceof PythonObject) return right.equals(left);
  if (Array.isArray(left)) {
    return Array.isArray(right) && sameItems(left as readonly Value[], right as readonly Value[]);
  }
  if (left instanceof Map && right instanceof Map) return sameMappings(left, right);
  return false;
}

function sameItems(left: readonly Value[], right: readonly Value[]): boolean {
  return left.length === right.length && left.every((item, index) => equals(item, right[index] ?? null));
}

function sameViews(left: Value, right: Value): boolean {
  if (!(left instanceof DictView && right instanceof DictView)) return false;
  // dict_values never compare equal; keys and items compare as sets.
  if (left.typeName === "dict_values" || right.typeName === "dict_values") return false;
  const others = right.items();
  const items = left.items();
  return items.length === others.length && items.every((item) => others.some((other) => equals(item, other)));
}

function sameMappings(left: ReadonlyMap<Value, Value>, right: ReadonlyMap<Value, Value>): boolean {
  if (left.size !== right.size) return false;
  for (const [key, item] of left) {
    const other = lookup(right, key);
    if (other === undefined || !equals(item, other)) return false;
  }
  return true;
}

/** `map.get(key)` by Python's equality of keys (`1`, `1.0` and `True` are one key); `undefined` if absent. */
export function lookup(map: ReadonlyMap<Value, Value>, key: Value): Value | undefined {
  if (typeof key === "string") return map.get(key);
  const found = map.get(key);
  if (found !== undefined || map.size === 0) return found;
  for (const [candidate, item] of map) {
    if (typeof candidate !== "string" && equals(candidate, key)) return item;
  }
  const text = textOf(key);
  return text === undefined ? undefined : map.get(text);
}

/** Refuses keys that Python cannot hash. */
export function checkHashable(key: Value): void {
  if (Array.isArray(key) || key instanceof Map) fail(`unhashable type: '${typeName(key)}'`);
  if (key instanceof Tuple) for (const item of key.values) checkHashable(item);
}

const OPERATOR_TEXT = { lt: "<", lteq: "<=", gt: ">", gteq: ">=" } as const;

/** The four ordering operators, named as in the syntax tree. */
export type OrderingOperator = keyof typeof OPERATOR_TEXT;

/** `left < right` and its three relatives. */
export function order(operator: OrderingOperator, left: Value, right: Value): boolean {
  if (typeof left === "number" && typeof right === "number") {
    if (operator === "lt") return left < right;
    if (operator === "gt") return left > right;
    return operator === "lteq" ? left <= right : left >= right;
  }
  const leftNumber = numeric(left);
  const rightNumber = numeric(right);
  if (leftNumber !== undefined && rightNumber !== undefined) {
    return decide(
      operator,
      leftNumber < rightNumber
        ? -1
        : leftNumber > rightNumber
          ? 1
          : leftNumber === leftNumber && rightNumber === rightNumber
            ? 0
            : undefined,
    );
  }
  const leftText = textOf(left);
  const rightText = textOf(right);
  if (leftText !== undefined && rightText !== undefined) {
    return decide(operator, compareText(leftText, rightText));
  }
  const leftItems = sequenceItems(left);
  const rightItems = sequenceItems(right);
  if (leftItems !== undefined && rightItems !== undefined && typeName(left) === typeName(right)) {
    return orderItems(operator, leftItems, rightItems);
  }
  if (left instanceof Undefined) left.raise();
  if (right instanceof Undefined) right.raise();
  return fail(
    `'${OPERATOR_TEXT[operator]}' not supported between instances of '${typeName(left)}' and '${typeName(right)}'`,
  );
}

function decide(operator: OrderingOperator, sign: number | undefined): boolean {
  if (sign === undefined) return false;
  if (operator === "lt") return sign < 0;
  if (operator === "lteq") return sign <= 0;
  return operator === "gt" ? sign > 0 : sign >= 0;
}

function sequenceItems(value: Value): readonly Value[] | undefined {
  if (Array.isArray(value)) return value as readonly Value[];
  return value instanceof Tuple ? value.values : undefined;
}

function orderItems(operator: OrderingOperator, left: readonly Value[], right: readonly Value[]): boolean {
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index++) {
    const a = left[index] ?? null;
    const b = right[index] ?? null;
    if (!equals(a, b)) return order(operator, a, b);
  }
  return decide(operator, Math.sign(left.length - right.length));
}

/** Orders two strings by code points, as Python does (JavaScript orders by UTF-16 units). */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

/** Surrogates stand for code points above every other unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** `value in container`. */
export function contains(container: Value, value: Value): boolean {
  const text = textOf(container);
  if (text !== undefined) {
    const part = textOf(value);
    if (part === undefined) {
      return fail(`'in <string>' requires string as left operand, not ${typeName(value)}`);
    }
    return text.includes(part);
  }
  if (container instanceof Map) {
    checkHashable(value);
    return lookup(container, value) !== undefined;
  }
  const items = Array.isArray(container)
    ? (container as readonly Value[])
    : container instanceof PythonObject
      ? container.items()
      : undefined;
  if (items === undefined) return fail(`argument of type '${typeName(container)}' is not iterable`);
  return items.some((item) => equals(item, value));
}
