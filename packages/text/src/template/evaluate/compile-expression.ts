import { calculate, negate } from "../python/arithmetic.ts";
import { DICT_ATTRIBUTES, getAttribute, getItem, getSlice } from "../python/attributes.ts";
import { checkHashable, lookup, truthy } from "../python/compare.ts";
import { toText } from "../python/text-form.ts";
import { Undefined } from "../python/undefined.ts";
import { Namespace, Tuple, type Value } from "../python/value.ts";
import type { Expression, SliceNode } from "../syntax/node.ts";
import { compileCall } from "./compile-call.ts";
import { compileCompare } from "./compile-compare.ts";
import { compileFilter, compileTest } from "./compile-filter.ts";
import { compileSum, isSum } from "./compile-sum.ts";
import type { Evaluate } from "./frame.ts";
import { LoopContext } from "./loop-context.ts";
import { localSlot, readSlot, type Compiler, type Scope } from "./scope.ts";

type Compile = (child: Expression) => Evaluate;
type NodeOf<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

/** Turns an expression into a closure. */
export function compileExpression(node: Expression, scope: Scope, compiler: Compiler): Evaluate {
  const compile: Compile = (child) => compiler.expression(child, scope);
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
      return (frame) => {
        const value = operand(frame);
        return typeof value === "boolean" ? !value : !truthy(value);
      };
    }
    case "unary": {
      const operand = compile(node.operand);
      const { operator } = node;
      return (frame) => negate(operator, operand(frame));
    }
    case "arithmetic":
      return isSum(node) ? compileSum(node, compile) : compileArithmetic(node, compile);
    case "concat":
      return compileConcat(node.parts.map(compile));
    case "compare":
      return compileCompare(node, scope, compile);
    case "attribute":
      return compileAttribute(node, scope, compile);
    case "item":
      return compileItem(node, scope, compile);
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
  if (location.owner === scope.function) {
    const { slot } = location;
    return (frame) => {
      const value = frame.slots[slot];
      return value === undefined ? new Undefined({ name }) : value;
    };
  }
  const read = readSlot(location, scope.function);
  return (frame) => {
    const value = read(frame);
    return value === undefined ? new Undefined({ name }) : value;
  };
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
    return value === true || (value !== false && truthy(value)) ? right(frame) : value;
  };
}

function compileOr(left: Evaluate, right: Evaluate): Evaluate {
  return (frame) => {
    const value = left(frame);
    return value === true || (value !== false && truthy(value)) ? value : right(frame);
  };
}

function compileArithmetic(node: NodeOf<"arithmetic">, compile: Compile): Evaluate {
  const { operator } = node;
  const left = compile(node.left);
  const right = compile(node.right);
  if (operator !== "-") return (frame) => calculate(operator, left(frame), right(frame));
  return (frame) => {
    const a = left(frame);
    const b = right(frame);
    // Indexes are computed all the time: `loop.index0 - 1`.
    const areSmall = Number.isSafeInteger(a) && Number.isSafeInteger(b);
    const difference = areSmall ? (a as number) - (b as number) : Number.NaN;
    return Number.isSafeInteger(difference) ? difference : calculate(operator, a, b);
  };
}

function compileConcat(parts: readonly Evaluate[]): Evaluate {
  return (frame) => {
    let text = "";
    for (const part of parts) text += toText(part(frame));
    return text;
  };
}

function compileAttribute(node: NodeOf<"attribute">, scope: Scope, compile: Compile): Evaluate {
  const { name } = node;
  const object = compile(node.object);
  if (DICT_ATTRIBUTES.has(name) || name.startsWith("__")) return (frame) => getAttribute(object(frame), name);
  const slot = localSlot(node.object, scope);
  const read = attributeReader(name);
  if (slot === undefined) return (frame) => read(object(frame));
  // `message.role`: the variable is read here, without a closure of its own.
  return (frame) => {
    const value = frame.slots[slot];
    return read(value === undefined ? object(frame) : value);
  };
}

/** Reads an attribute whose name is not that of a method of dict. */
function attributeReader(name: string): (value: Value) => Value {
  return (value) => {
    if (value instanceof Map) {
      const item = (value as ReadonlyMap<Value, Value>).get(name);
      return item === undefined ? new Undefined({ object: value, name }) : item;
    }
    const attribute =
      value instanceof LoopContext || value instanceof Namespace ? value.attribute(name) : undefined;
    return attribute === undefined ? getAttribute(value, name) : attribute;
  };
}

function compileItem(node: NodeOf<"item">, scope: Scope, compile: Compile): Evaluate {
  const object = compile(node.object);
  if (node.key.kind === "const" && typeof node.key.value === "string") {
    const name = node.key.value;
    const slot = localSlot(node.object, scope);
    return (frame) => {
      const local = slot === undefined ? undefined : frame.slots[slot];
      const value = local === undefined ? object(frame) : local;
      const item = value instanceof Map ? (value as ReadonlyMap<Value, Value>).get(name) : undefined;
      return item === undefined ? getItem(value, name) : item;
    };
  }
  const key = compile(node.key);
  return (frame) => {
    const value = object(frame);
    return getItem(value, key(frame));
  };
}

function compileSlice(node: SliceNode, compile: Compile): Evaluate {
  const object = compile(node.object);
  const [start, stop, step] = [node.start, node.stop, node.step].map((bound) =>
    bound === undefined ? constant(null) : compile(bound),
  ) as [Evaluate, Evaluate, Evaluate];
  return (frame) => {
    const value = object(frame);
    return getSlice(value, { start: start(frame), stop: stop(frame), step: step(frame) });
  };
}
