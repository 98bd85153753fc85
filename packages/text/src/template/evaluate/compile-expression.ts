import { add, calculate, negate } from "../python/arithmetic.ts";
import { DICT_ATTRIBUTES, getAttribute, getItem, getSlice } from "../python/attributes.ts";
import { checkHashable, lookup, truthy } from "../python/compare.ts";
import { toText } from "../python/text-form.ts";
import { Undefined } from "../python/undefined.ts";
import { Namespace, Tuple, type Value } from "../python/value.ts";
import type { Expression, SliceNode } from "../syntax/node.ts";
import { compileCall } from "./compile-call.ts";
import { compileCompare } from "./compile-compare.ts";
import { compileFilter, compileTest } from "./compile-filter.ts";
import type { Evaluate } from "./frame.ts";
import { LoopContext } from "./loop-context.ts";
import { readSlot, type Compiler, type Scope } from "./scope.ts";

type NodeOf<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

/** Turns an expression into a closure. */
export function compileExpression(node: Expression, scope: Scope, compiler: Compiler): Evaluate {
  const compile = (child: Expression): Evaluate => compiler.expression(child, scope);
  switch (node.kind) {
    case "const":
      return constant(node.value);
    case "name":
      return compileName(node.name, scope);
    case "tuple":
      return compileTuple(node.items.map(compile));
    case "list":
      return compileList(node.items.map(compile));
    case "dict":
      return compileDict(node.pairs.map(([key, value]) => [compile(key), compile(value)]));
    case "condition":
      return compileCondition(node, scope, compiler);
    case "and":
      return compileAnd(compile(node.left), compile(node.right));
    case "or":
      return compileOr(compile(node.left), compile(node.right));
    case "not": {
      const operand = compile(node.operand);
      return (frame) => !truthy(operand(frame));
    }
    case "unary": {
      const operand = compile(node.operand);
      const { operator } = node;
      return (frame) => negate(operator, operand(frame));
    }
    case "arithmetic":
      return node.operator === "+" ? compileSum(node, compile) : compileArithmetic(node, compile);
    case "concat":
      return compileConcat(node.parts.map(compile));
    case "compare":
      return compileCompare(node, compile);
    case "attribute":
      return compileAttribute(compile(node.object), node.name);
    case "item":
      return compileItem(node, compile);
    case "slice":
      return compileSlice(node, compile);
    case "call":
      return compileCall(node, compile);
    case "filter":
      return compileFilter(node, scope, compile);
    case "test":
      return compileTest(node, scope, compile);
  }
}

function constant(value: Value): Evaluate {
  return () => value;
}

function compileName(name: string, scope: Scope): Evaluate {
  const location = scope.locate(name);
  const read = readSlot(location, scope.function);
  if (location.owner === scope.function) {
    const { slot } = location;
    return (frame) => frame.slots[slot] ?? missing(frame.slots[slot], name);
  }
  return (frame) => {
    const value = read(frame);
    return value ?? missing(value, name);
  };
}

/** Tells `None` from an unassigned variable: `??` stops at both. */
function missing(value: Value | undefined, name: string): Value {
  return value === null ? null : new Undefined({ name });
}

function compileTuple(items: readonly Evaluate[]): Evaluate {
  return (frame) => new Tuple(items.map((item) => item(frame)));
}

function compileList(items: readonly Evaluate[]): Evaluate {
  return (frame) => items.map((item) => item(frame));
}

function compileDict(pairs: readonly (readonly [Evaluate, Evaluate])[]): Evaluate {
  return (frame) => {
    const map = new Map<Value, Value>();
    for (const [key, value] of pairs) put(map, key(frame), value(frame));
    return map;
  };
}

/** `map[key] = value`, where equal keys of different types are one key and the first one stays. */
function put(map: Map<Value, Value>, key: Value, value: Value): void {
  checkHashable(key);
  if (typeof key !== "string" && lookup(map, key) !== undefined) {
    for (const known of map.keys()) {
      if (lookup(new Map([[known, true]]), key) === true) {
        map.set(known, value);
        return;
      }
    }
  }
  map.set(key, value);
}

function compileCondition(node: NodeOf<"condition">, scope: Scope, compiler: Compiler): Evaluate {
  const inner = scope.softened();
  const test = compiler.expression(node.test, inner);
  const whenTrue = compiler.expression(node.whenTrue, inner);
  if (node.otherwise === undefined) {
    const hint = `the inline if-expression on line ${node.line} evaluated to false and no else section was defined.`;
    return (frame) => (truthy(test(frame)) ? whenTrue(frame) : new Undefined({ hint }));
  }
  const otherwise = compiler.expression(node.otherwise, inner);
  return (frame) => (truthy(test(frame)) ? whenTrue(frame) : otherwise(frame));
}

function compileAnd(left: Evaluate, right: Evaluate): Evaluate {
  return (frame) => {
    const value = left(frame);
    return truthy(value) ? right(frame) : value;
  };
}

function compileOr(left: Evaluate, right: Evaluate): Evaluate {
  return (frame) => {
    const value = left(frame);
    return truthy(value) ? value : right(frame);
  };
}

/** A chain of `+`, mostly of strings, in one closure. */
function compileSum(node: NodeOf<"arithmetic">, compile: (child: Expression) => Evaluate): Evaluate {
  const operands: Expression[] = [node.right];
  let left = node.left;
  while (left.kind === "arithmetic" && left.operator === "+") {
    operands.push(left.right);
    left = left.left;
  }
  const first = compile(left);
  const rest = operands.reverse().map(compile);
  return (frame) => {
    let total = first(frame);
    for (const operand of rest) {
      const value = operand(frame);
      total = typeof total === "string" && typeof value === "string" ? total + value : add(total, value);
    }
    return total;
  };
}

function compileArithmetic(node: NodeOf<"arithmetic">, compile: (child: Expression) => Evaluate): Evaluate {
  const { operator } = node;
  const left = compile(node.left);
  const right = compile(node.right);
  return (frame) => calculate(operator, left(frame), right(frame));
}

function compileConcat(parts: readonly Evaluate[]): Evaluate {
  return (frame) => {
    let text = "";
    for (const part of parts) text += toText(part(frame));
    return text;
  };
}

function compileAttribute(object: Evaluate, name: string): Evaluate {
  if (DICT_ATTRIBUTES.has(name) || name.startsWith("__")) return (frame) => getAttribute(object(frame), name);
  return (frame) => {
    const value = object(frame);
    if (value instanceof Map) return (value as ReadonlyMap<Value, Value>).get(name) ?? absent(value, name);
    if (value instanceof LoopContext && name === "index0") return value.index0;
    if (value instanceof Namespace) return value.attributes.get(name) ?? getAttribute(value, name);
    return getAttribute(value, name);
  };
}

/** Tells a key that holds `None` from one that is not there. */
function absent(map: ReadonlyMap<Value, Value>, key: string): Value {
  return map.has(key) ? null : getAttribute(map, key);
}

function compileItem(node: NodeOf<"item">, compile: (child: Expression) => Evaluate): Evaluate {
  const object = compile(node.object);
  if (node.key.kind === "const" && typeof node.key.value === "string") {
    const name = node.key.value;
    return (frame) => {
      const value = object(frame);
      if (!(value instanceof Map)) return getItem(value, name);
      const found = (value as ReadonlyMap<Value, Value>).get(name);
      return found ?? (value.has(name) ? null : getItem(value, name));
    };
  }
  const key = compile(node.key);
  return (frame) => {
    const value = object(frame);
    return getItem(value, key(frame));
  };
}

function compileSlice(node: SliceNode, compile: (child: Expression) => Evaluate): Evaluate {
  // jinja2 folds a slice of a constant into a lookup, which finds nothing instead of failing.
  if (node.object.kind === "const" && typeof node.object.value !== "string") {
    const undefinedSlice = new Undefined({ object: node.object.value, name: "slice" });
    return () => undefinedSlice;
  }
  const object = compile(node.object);
  const [start, stop, step] = [node.start, node.stop, node.step].map((bound) =>
    bound === undefined ? constant(null) : compile(bound),
  ) as [Evaluate, Evaluate, Evaluate];
  return (frame) => {
    const value = object(frame);
    return getSlice(value, { start: start(frame), stop: stop(frame), step: step(frame) });
  };
}
