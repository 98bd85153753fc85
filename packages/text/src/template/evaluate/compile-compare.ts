import { contains, equals, order } from "../python/compare.ts";
import { DICT_ATTRIBUTES } from "../python/attributes.ts";
import type { Value } from "../python/value.ts";
import type { Comparison, Expression } from "../syntax/node.ts";
import type { Evaluate } from "./frame.ts";
import { localSlot, type Scope } from "./scope.ts";

/** One comparison of two values. */
function compare(operator: Comparison["operator"], left: Value, right: Value): boolean {
  switch (operator) {
    case "eq":
      return equals(left, right);
    case "ne":
      return !equals(left, right);
    case "in":
      return contains(right, left);
    case "notin":
      return !contains(right, left);
    default:
      return order(operator, left, right);
  }
}

/** Turns a comparison, or a chain of them, into a closure. */
export function compileCompare(
  node: Extract<Expression, { kind: "compare" }>,
  scope: Scope,
  compile: (child: Expression) => Evaluate,
): Evaluate {
  const fused = compileKeyComparison(node, scope, compile);
  if (fused !== undefined) return fused;
  const first = compile(node.first);
  const links = node.rest.map(({ operator, operand }) => ({ operator, operand: compile(operand) }));
  const [only] = links;
  if (only !== undefined && links.length === 1) return compileOne(first, only, node.rest[0]?.operand);
  return (frame) => {
    let left = first(frame);
    for (const { operator, operand } of links) {
      const right = operand(frame);
      if (!compare(operator, left, right)) return false;
      left = right;
    }
    return true;
  };
}

/**
 * `message.role == "user"` and `message["role"] == "user"`, by far the most frequent comparison of chat
 * templates, in one closure; `undefined` for everything else.
 */
function compileKeyComparison(
  node: Extract<Expression, { kind: "compare" }>,
  scope: Scope,
  compile: (child: Expression) => Evaluate,
): Evaluate | undefined {
  const [link, ...others] = node.rest;
  if (link === undefined || others.length > 0 || (link.operator !== "eq" && link.operator !== "ne")) {
    return undefined;
  }
  const key = keyOf(node.first);
  const slot = key === undefined ? undefined : localSlot(key.object, scope);
  if (link.operand.kind !== "const" || typeof link.operand.value !== "string") return undefined;
  if (key === undefined || slot === undefined) return undefined;
  const { name } = key;
  const text = link.operand.value;
  const positive = link.operator === "eq";
  const first = compile(node.first);
  return (frame) => {
    const object = frame.slots[slot];
    const item = object instanceof Map ? (object as ReadonlyMap<Value, Value>).get(name) : undefined;
    if (typeof item === "string") return (item === text) === positive;
    return equals(first(frame), text) === positive;
  };
}

function keyOf(node: Expression): { readonly object: Expression; readonly name: string } | undefined {
  if (node.kind === "attribute") return DICT_ATTRIBUTES.has(node.name) ? undefined : node;
  if (node.kind !== "item" || node.key.kind !== "const" || typeof node.key.value !== "string")
    return undefined;
  return { object: node.object, name: node.key.value };
}

function compileOne(
  first: Evaluate,
  link: { readonly operator: Comparison["operator"]; readonly operand: Evaluate },
  operandNode: Expression | undefined,
): Evaluate {
  const { operator, operand } = link;
  if (operandNode?.kind === "const" && typeof operandNode.value === "string") {
    const text = operandNode.value;
    if (operator === "eq") {
      return (frame) => {
        const left = first(frame);
        return typeof left === "string" ? left === text : equals(left, text);
      };
    }
    if (operator === "ne") {
      return (frame) => {
        const left = first(frame);
        return typeof left === "string" ? left !== text : !equals(left, text);
      };
    }
  }
  return (frame) => {
    const left = first(frame);
    return compare(operator, left, operand(frame));
  };
}
