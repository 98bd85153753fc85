import { calculate } from "../python/arithmetic.ts";
import { contains, equals, order, type OrderingOperator } from "../python/compare.ts";
import { itemsOf, lengthOf } from "../python/iterate.ts";
import { isFloatNumber, isInteger, isMapping, isNumber, textOf } from "../python/kind.ts";
import { classifyText } from "../python/text-class.ts";
import { toText } from "../python/text-form.ts";
import { Undefined } from "../python/undefined.ts";
import {
  DictView,
  LazySequence,
  Markup,
  Namespace,
  NativeFunction,
  PythonObject,
  type Value,
} from "../python/value.ts";
import { define, type Test } from "./definition.ts";

/** A test that looks at nothing but the value. */
export type PlainTest = (value: Value) => boolean;

/** Tests without arguments, directly callable: the compiler uses them without binding anything. */
export const PLAIN_TESTS: ReadonlyMap<string, PlainTest> = new Map<string, PlainTest>([
  ["boolean", (value) => typeof value === "boolean"],
  ["callable", isCallable],
  ["defined", (value) => !(value instanceof Undefined)],
  ["escaped", (value) => value instanceof Markup],
  ["even", (value) => equals(calculate("%", value, 2), 0)],
  ["false", (value) => value === false],
  ["float", isFloatNumber],
  ["integer", isInteger],
  ["iterable", isIterable],
  ["lower", (value) => classifyText("islower", toText(value))],
  ["mapping", isMapping],
  ["none", (value) => value === null],
  ["number", isNumber],
  ["odd", (value) => equals(calculate("%", value, 2), 1)],
  ["sequence", isSequence],
  ["string", (value) => textOf(value) !== undefined],
  ["true", (value) => value === true],
  ["undefined", (value) => value instanceof Undefined],
  ["upper", (value) => classifyText("isupper", toText(value))],
]);

function isCallable(value: Value): boolean {
  return value instanceof PythonObject && value.callable !== undefined;
}

function isIterable(value: Value): boolean {
  if (Array.isArray(value) || isMapping(value) || textOf(value) !== undefined) return true;
  if (value instanceof LazySequence) return true;
  return value instanceof PythonObject && itemsOf(value) !== undefined;
}

function isSequence(value: Value): boolean {
  if (value instanceof DictView || value instanceof Namespace || value instanceof NativeFunction)
    return false;
  return lengthOf(value) !== undefined;
}

function ordering(name: string, operator: OrderingOperator): Test {
  return define(`${name} a b`, ([left = null, right = null]) => order(operator, left, right));
}

const equal = define("eq a b", ([left = null, right = null]) => equals(left, right));
const unequal = define("ne a b", ([left = null, right = null]) => !equals(left, right));
const less = ordering("lt", "lt");
const lessOrEqual = ordering("le", "lteq");
const greater = ordering("gt", "gt");
const greaterOrEqual = ordering("ge", "gteq");

const TESTS = new Map<string, Test>([
  ["==", equal],
  ["eq", equal],
  ["equalto", equal],
  ["!=", unequal],
  ["ne", unequal],
  ["<", less],
  ["lt", less],
  ["lessthan", less],
  ["<=", lessOrEqual],
  ["le", lessOrEqual],
  [">", greater],
  ["gt", greater],
  ["greaterthan", greater],
  [">=", greaterOrEqual],
  ["ge", greaterOrEqual],
  [
    "divisibleby",
    define("test_divisibleby value num", ([value = null, divisor = null]) =>
      equals(calculate("%", value, divisor), 0),
    ),
  ],
  ["in", define("test_in value seq", ([value = null, container = null]) => contains(container, value))],
  ["sameas", define("test_sameas value other", ([value = null, other = null]) => isSame(value, other))],
]);

for (const [name, test] of PLAIN_TESTS)
  TESTS.set(
    name,
    define(`test_${name} value`, (_bound, value) => test(value)),
  );

/** `value is other`: small values are the same object in CPython, others only when they are one. */
function isSame(value: Value, other: Value): boolean {
  return value === other;
}

/** The test with this name; `undefined` when there is none. `isFilter` answers the test `filter`. */
export function findTest(name: string, isFilter: (name: string) => boolean): Test | undefined {
  if (name === "filter") return define("test_filter value", (_bound, value) => isFilter(toText(value)));
  if (name === "test") return define("test_test value", (_bound, value) => isTestName(toText(value)));
  return TESTS.get(name);
}

function isTestName(name: string): boolean {
  return name === "filter" || name === "test" || TESTS.has(name);
}
