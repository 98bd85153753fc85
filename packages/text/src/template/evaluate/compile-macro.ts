import { Undefined } from "../python/undefined.ts";
import { reprString } from "../python/repr-string.ts";
import { NO_KEYWORDS, type Value } from "../python/value.ts";
import type { CallBlockNode, CallNode, MacroNode } from "../syntax/node.ts";
import { refuse } from "../syntax/syntax-failure.ts";
import { callValue } from "./call.ts";
import { compileArguments } from "./compile-arguments.ts";
import { Frame, type Evaluate, type Execute } from "./frame.ts";
import { Macro, type MacroDefinition, type MacroExtras } from "./macro.ts";
import { writeSlot, type Compiler, type Scope } from "./scope.ts";
import { toText } from "../python/text-form.ts";
import { findUndeclared } from "./undeclared.ts";

type MacroLike = Pick<MacroNode, "parameters" | "body"> & { readonly name: string | undefined };

const SPECIAL_NAMES = ["caller", "kwargs", "varargs"] as const;

/** Turns `{% macro %}` into a closure that defines it. */
export function compileMacro(node: MacroNode, scope: Scope, compiler: Compiler): Execute {
  const create = compileMacroValue(node, scope, compiler);
  const assign = writeSlot(scope.locate(node.name), scope.function);
  return (frame) => {
    assign(frame, create(frame));
    return 0;
  };
}

/** Turns `{% call %}` or `{% generation %}` into a closure that prints the result of its call. */
export function compileCallBlock(node: CallBlockNode, scope: Scope, compiler: Compiler): Execute {
  const create = compileMacroValue({ ...node, name: undefined }, scope, compiler);
  const call = node.call === undefined ? undefined : compileBlockCall(node.call, scope, compiler);
  return (frame) => {
    const caller = create(frame);
    frame.out += call === undefined ? caller.call([], NO_KEYWORDS) : toText(call(frame, caller));
    return 0;
  };
}

function compileBlockCall(
  node: CallNode,
  scope: Scope,
  compiler: Compiler,
): (frame: Frame, caller: Macro) => Value {
  const compile = (child: Parameters<Compiler["expression"]>[0]): Evaluate =>
    compiler.expression(child, scope);
  const callee = compile(node.callee);
  const { positional, keyword } = compileArguments(node.args, compile);
  return (frame, caller) => {
    const target = callee(frame);
    const values = positional(frame);
    return callValue(target, values, new Map<string, Value>([...keyword(frame), ["caller", caller]]));
  };
}

function compileMacroValue(node: MacroLike, scope: Scope, compiler: Compiler): (frame: Frame) => Macro {
  const inner = scope.innerFunction();
  const { symbols } = inner;
  const { names, defaults } = node.parameters;
  for (const name of names) symbols.declareParameter(name);
  for (const value of defaults) symbols.expression(value);
  symbols.statements(node.body);
  const extras = findExtras(node);
  for (const name of SPECIAL_NAMES) {
    if (extras[name] && !names.includes(name)) symbols.declareParameter(name);
  }
  const enter = inner.allocate();
  const parameterNames = [...names, ...SPECIAL_NAMES.filter((name) => extras[name])];
  const firstDefault = names.length - defaults.length;
  const parameters = parameterNames.map((name, index) => ({
    assign: writeSlot(inner.locate(name), inner.function),
    fallback:
      index < names.length
        ? compileFallback(name, defaults[index - firstDefault], { inner, compiler })
        : undefined,
  }));
  const body = compiler.statements(node.body, inner);
  const definition: MacroDefinition = { name: node.name, parameters: names, extras };
  return (outer) =>
    new Macro(definition, (bound) => {
      const frame = new Frame(inner.function.size, outer);
      enter(frame);
      for (let index = 0; index < parameters.length; index++) {
        const value = bound[index];
        if (value !== undefined) parameters[index]?.assign(frame, value);
      }
      for (let index = 0; index < names.length; index++) {
        const parameter = parameters[index];
        if (bound[index] === undefined && parameter?.fallback !== undefined) {
          parameter.assign(frame, parameter.fallback(frame));
        }
      }
      body(frame);
      return frame.out;
    });
}

function compileFallback(
  name: string,
  value: MacroNode["parameters"]["defaults"][number] | undefined,
  context: { readonly inner: Scope; readonly compiler: Compiler },
): Evaluate {
  if (value !== undefined) return context.compiler.expression(value, context.inner);
  const hint = `parameter ${reprString(name)} was not provided`;
  return () => new Undefined({ hint, name });
}

function findExtras(node: MacroLike): MacroExtras {
  const found = findUndeclared(node.body, SPECIAL_NAMES);
  const { names, defaults } = node.parameters;
  const position = names.indexOf("caller");
  if (found.has("caller") && position !== -1 && position < names.length - defaults.length) {
    refuse(
      'When defining macros or call blocks the special "caller" argument must be omitted or be given a default.',
    );
  }
  return {
    caller: found.has("caller"),
    kwargs: found.has("kwargs") && !names.includes("kwargs"),
    varargs: found.has("varargs") && !names.includes("varargs"),
  };
}
