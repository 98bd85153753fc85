import { findFilter, isFilter } from "../builtins/filter-table.ts";
import { findTest, PLAIN_TESTS, type PlainTest } from "../builtins/test-table.ts";
import { DICT_ATTRIBUTES, getAttribute } from "../python/attributes.ts";
import { fail } from "../python/failure.ts";
import { reprString } from "../python/repr-string.ts";
import { Undefined } from "../python/undefined.ts";
import { NO_KEYWORDS, type Value } from "../python/value.ts";
import type { Expression, FilterNode, TestNode } from "../syntax/node.ts";
import { refuse } from "../syntax/syntax-failure.ts";
import { compileArguments } from "./compile-arguments.ts";
import type { Evaluate, Frame } from "./frame.ts";
import type { Scope } from "./scope.ts";

type Compile = (child: Expression) => Evaluate;

/** Turns a filter into a closure; inside a filter block it applies to what was printed so far. */
export function compileFilter(node: FilterNode, scope: Scope, compile: Compile): Evaluate {
  const operand = node.operand === undefined ? (frame: Frame): Value => frame.out : compile(node.operand);
  const filter = findFilter(node.name);
  if (filter === undefined) {
    if (!scope.soft) return refuse(`No filter named ${reprString(node.name)}.`);
    return () => fail(`No filter named ${reprString(node.name)} found.`);
  }
  const { positional, keyword, isEmpty } = compileArguments(node.args, compile);
  if (isEmpty) return (frame) => filter(operand(frame), NO_VALUES, NO_KEYWORDS);
  return (frame) => {
    const value = operand(frame);
    return filter(value, positional(frame), keyword(frame));
  };
}

const NO_VALUES: readonly Value[] = [];

/** Turns a test into a closure. */
export function compileTest(node: TestNode, scope: Scope, compile: Compile): Evaluate {
  const { positional, keyword, isEmpty } = compileArguments(node.args, compile);
  const plain = PLAIN_TESTS.get(node.name);
  if (plain !== undefined && isEmpty) return compilePlainTest(plain, node, compile);
  const operand = compile(node.operand);
  const test = findTest(node.name, isFilter);
  if (test === undefined) {
    if (!scope.soft) return refuse(`No test named ${reprString(node.name)}.`);
    return () => fail(`No test named ${reprString(node.name)} found.`);
  }
  return (frame) => {
    const value = operand(frame);
    return test(value, positional(frame), keyword(frame));
  };
}

function compilePlainTest(test: PlainTest, node: TestNode, compile: Compile): Evaluate {
  const operand = compile(node.operand);
  if (node.name !== "defined" || node.operand.kind !== "attribute") return (frame) => test(operand(frame));
  const { name } = node.operand;
  if (DICT_ATTRIBUTES.has(name) || name.startsWith("__")) return (frame) => test(operand(frame));
  // `message.tool_calls is defined`: answered by the dict, without making an undefined value first.
  const object = compile(node.operand.object);
  return (frame) => {
    const value = object(frame);
    return value instanceof Map ? value.has(name) : !(getAttribute(value, name) instanceof Undefined);
  };
}
