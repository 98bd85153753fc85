import { fail } from "../python/failure.ts";
import { itemsOf } from "../python/iterate.ts";
import { isMapping, textOf, typeName } from "../python/kind.ts";
import { NO_KEYWORDS, type KeywordArguments, type Value } from "../python/value.ts";
import type { ArgumentsNode, Expression } from "../syntax/node.ts";
import type { Evaluate, Frame } from "./frame.ts";

/** The compiled arguments of a call. */
export interface CompiledArguments {
  readonly positional: (frame: Frame) => readonly Value[];
  readonly keyword: (frame: Frame) => KeywordArguments;
  /** Whether there are no arguments at all. */
  readonly isEmpty: boolean;
}

const NO_VALUES: readonly Value[] = [];

/** Turns the arguments of a call into closures that evaluate them in order. */
export function compileArguments(
  args: ArgumentsNode,
  compile: (child: Expression) => Evaluate,
): CompiledArguments {
  const isEmpty =
    args.positional.length === 0 &&
    args.keyword.length === 0 &&
    args.spread === undefined &&
    args.keywordSpread === undefined;
  return { positional: compilePositional(args, compile), keyword: compileKeyword(args, compile), isEmpty };
}

function compilePositional(
  args: ArgumentsNode,
  compile: (child: Expression) => Evaluate,
): CompiledArguments["positional"] {
  const values = args.positional.map(compile);
  const spread = args.spread === undefined ? undefined : compile(args.spread);
  const [first, second] = values;
  if (spread !== undefined)
    return (frame) => [...values.map((value) => value(frame)), ...spreadItems(spread(frame))];
  if (first === undefined) return () => NO_VALUES;
  const constants = args.positional.flatMap((node) => (node.kind === "const" ? [node.value] : []));
  if (constants.length === values.length) return () => constants;
  if (second === undefined) return (frame) => [first(frame)];
  return (frame) => values.map((value) => value(frame));
}

function compileKeyword(
  args: ArgumentsNode,
  compile: (child: Expression) => Evaluate,
): CompiledArguments["keyword"] {
  const values = args.keyword.map(([name, value]) => [name, compile(value)] as const);
  const spread = args.keywordSpread === undefined ? undefined : compile(args.keywordSpread);
  if (values.length === 0 && spread === undefined) return () => NO_KEYWORDS;
  return (frame) => {
    const keyword = new Map<string, Value>();
    for (const [name, value] of values) keyword.set(name, value(frame));
    if (spread !== undefined) addSpread(keyword, spread(frame));
    return keyword;
  };
}

function spreadItems(value: Value): readonly Value[] {
  return itemsOf(value) ?? fail(`Value after * must be an iterable, not ${typeName(value)}`);
}

function addSpread(keyword: Map<string, Value>, value: Value): void {
  if (!isMapping(value)) {
    fail(
      `jinja2.sandbox.SandboxedEnvironment.call() argument after ** must be a mapping, not ${typeName(value)}`,
    );
  } else {
    for (const [key, item] of value) keyword.set(textOf(key) ?? fail("keywords must be strings"), item);
  }
}
