import { add } from "../python/arithmetic.ts";
import { toText } from "../python/text-form.ts";
import type { Value } from "../python/value.ts";
import type { Expression } from "../syntax/node.ts";
import { LONG_UNITS, type Evaluate, type Execute, type Frame } from "./frame.ts";

type Compile = (child: Expression) => Evaluate;

/** An addition: the last `+` of a chain of them. */
export type Sum = Extract<Expression, { kind: "arithmetic" }> & { readonly operator: "+" };

/** What a chain adds up: literals as they are. */
interface Operands {
  readonly first: Evaluate;
  readonly rest: readonly (string | Evaluate)[];
}

export function isSum(node: { readonly kind: string; readonly operator?: string }): node is Sum {
  return node.kind === "arithmetic" && node.operator === "+";
}

/** A chain of `+`, mostly of strings, in one closure. */
export function compileSum(node: Sum, compile: Compile): Evaluate {
  const { first, rest } = operandsOf(node, compile);
  return (frame) => {
    let total = first(frame);
    for (let index = 0; index < rest.length; index++) {
      const value = valueOf(rest[index] as string | Evaluate, frame);
      total = typeof total === "string" && typeof value === "string" ? total + value : add(total, value);
    }
    return total;
  };
}

/**
 * Prints a chain of `+`, its long texts one by one, so that they can be pieces. What a text is added to is a text or fails, so what has been printed then
 * needs not be seen again.
 */
export function compilePrintedSum(node: Sum, compile: Compile): Execute {
  const { first, rest } = operandsOf(node, compile);
  return (frame) => {
    let total = first(frame);
    for (let index = 0; index < rest.length; index++) {
      const value = valueOf(rest[index] as string | Evaluate, frame);
      if (typeof total !== "string" || typeof value !== "string") {
        total = add(total, value);
      } else if (value.length >= LONG_UNITS || total.length >= LONG_UNITS) {
        frame.print(total);
        total = value;
      } else {
        total += value;
      }
    }
    frame.print(typeof total === "string" ? total : toText(total));
    return 0;
  };
}

function valueOf(operand: string | Evaluate, frame: Frame): Value {
  return typeof operand === "string" ? operand : operand(frame);
}

function operandsOf(node: Sum, compile: Compile): Operands {
  const operands: Expression[] = [node.right];
  let { left } = node;
  while (isSum(left)) {
    operands.push(left.right);
    left = left.left;
  }
  const rest = joinLiterals(operands.reverse()).map((operand) =>
    operand.kind === "const" && typeof operand.value === "string" ? operand.value : compile(operand),
  );
  return { first: compile(left), rest };
}

/** Joins neighbouring string literals: `x + "a" + "b"` is `x + "ab"`, or fails with the same message. */
function joinLiterals(operands: readonly Expression[]): readonly Expression[] {
  const joined: Expression[] = [];
  for (const operand of operands) {
    const last = joined.at(-1);
    if (
      last?.kind === "const" &&
      typeof last.value === "string" &&
      operand.kind === "const" &&
      typeof operand.value === "string"
    ) {
      joined[joined.length - 1] = { kind: "const", value: last.value + operand.value };
    } else {
      joined.push(operand);
    }
  }
  return joined;
}
