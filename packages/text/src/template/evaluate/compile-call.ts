import { findStringMethod, getAttribute } from "../python/attributes.ts";
import type { CallNode, Expression } from "../syntax/node.ts";
import { callValue } from "./call.ts";
import { compileArguments } from "./compile-arguments.ts";
import type { Evaluate } from "./frame.ts";

/** Turns a call into a closure. */
export function compileCall(node: CallNode, compile: (child: Expression) => Evaluate): Evaluate {
  const { positional, keyword } = compileArguments(node.args, compile);
  const { callee } = node;
  if (callee.kind === "attribute") {
    const object = compile(callee.object);
    const { name } = callee;
    const method = findStringMethod(name);
    if (method !== undefined) {
      // A method of a string needs no function object of its own.
      return (frame) => {
        const value = object(frame);
        if (typeof value === "string") return method(value, positional(frame), keyword(frame));
        return callValue(getAttribute(value, name), positional(frame), keyword(frame));
      };
    }
  }
  const target = compile(callee);
  return (frame) => {
    const value = target(frame);
    return callValue(value, positional(frame), keyword(frame));
  };
}
