import { contains, equals, order } from "../python/compare.ts";
import type { Value } from "../python/value.ts";
import type { Comparison, Expression } from "../syntax/node.ts";
import type { Evaluate } from "./frame.ts";

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
  compile: (child: Expression) => Evaluate,
): Evaluate {
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

function compileOne(
  first: Evaluate,
  link: { readonly operator: Comparison["operator"]; readonly operand: Evaluate },
  operandNode: Expression | undefined,
): Evaluate {
  const { operator, operand } = link;
  if (operandNode?.kind === "const" && typeof operandNode.value === "string") {
    // `message.role == "user"`: by far the most frequent comparison of chat templates.
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
