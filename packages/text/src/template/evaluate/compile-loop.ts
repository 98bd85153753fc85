import { truthy } from "../python/compare.ts";
import { iterate } from "../python/iterate.ts";
import { LazySequence, type Value } from "../python/value.ts";
import type { ForNode, Statement, Target } from "../syntax/node.ts";
import { refuse } from "../syntax/syntax-failure.ts";
import { compileTarget, type Assign } from "./compile-assign.ts";
import { Frame, type Execute, type Signal } from "./frame.ts";
import { LoopContext, type Recurse } from "./loop-context.ts";
import { enterNothing, writeSlot, type Compiler, type Scope } from "./scope.ts";
import { findUndeclared } from "./undeclared.ts";

/** How the body of a recursive loop renders itself again, and how deep it is already. */
interface Recursion {
  readonly recurse: Recurse;
  readonly depth0: number;
}

/** Runs a loop over the items of an iterable value. */
type RunLoop = (frame: Frame, iterable: Value, recursion?: Recursion) => Signal;

/** Turns a `for` loop into a closure. */
export function compileLoop(node: ForNode, scope: Scope, compiler: Compiler): Execute {
  if (storesLoop(node)) refuse("Can't assign to special loop variable in for-loop target");
  const iterable = compiler.expression(node.iterable, scope);
  const inner = node.recursive ? scope.innerFunction({ inLoop: true }) : scope.inner({ inLoop: true });
  const run = compileIteration(node, { outer: scope, inner }, compiler);
  if (!node.recursive) return (frame) => run(frame, iterable(frame));
  return (frame) => {
    const recurse: Recurse = (items, depth0) => {
      const loopFrame = new Frame(inner.function.size, frame);
      run(loopFrame, items, { recurse, depth0 });
      return loopFrame.out;
    };
    frame.out += recurse(iterable(frame), 0);
    return 0;
  };
}

function compileIteration(
  node: ForNode,
  scopes: { readonly outer: Scope; readonly inner: Scope },
  compiler: Compiler,
): RunLoop {
  const { inner } = scopes;
  const extended = node.recursive || findUndeclared(node.body, ["loop"]).has("loop");
  if (extended) inner.symbols.declareParameter("loop");
  inner.symbols.parameters(node.target);
  inner.symbols.statements(node.body);
  const enter = inner.allocate();
  const assign = compileTarget(node.target, inner);
  const setLoop = extended ? writeSlot(inner.locate("loop"), inner.function) : undefined;
  const filter = compileLoopFilter(node, node.recursive ? inner : scopes.outer, compiler);
  const body = compiler.statements(node.body, inner);
  const otherwise = compileOtherwise(node, node.recursive ? inner : scopes.outer, compiler);
  const step: Execute =
    enter === enterNothing
      ? body
      : (frame) => {
          enter(frame);
          return body(frame);
        };
  const each = scopes.outer.isTopLevel ? endingPieces(step) : step;
  const steps: LoopSteps = { assign, each };
  return (frame, iterable, recursion) => {
    const source = filter === undefined ? sourceOf(iterable) : filter(frame, iterable);
    let completed: boolean;
    if (setLoop === undefined) {
      completed = runPlain(frame, source, steps);
    } else {
      const context = new LoopContext(source, recursion);
      setLoop(frame, context);
      completed = runExtended(frame, context, steps);
    }
    return completed || otherwise === undefined ? 0 : otherwise(frame);
  };
}

/** Every item's text ends a piece of the output; that of a recursive loop goes to a frame without pieces. */
function endingPieces(step: Execute): Execute {
  return (frame) => {
    const signal = step(frame);
    frame.endPiece();
    return signal;
  };
}

function sourceOf(iterable: Value): readonly Value[] | LazySequence {
  return iterable instanceof LazySequence ? iterable : iterate(iterable);
}

interface LoopSteps {
  readonly assign: Assign;
  readonly each: Execute;
}

/** Returns whether any item was done to its end, which decides over the `else` part. */
function runPlain(frame: Frame, source: readonly Value[] | LazySequence, steps: LoopSteps): boolean {
  const { assign, each } = steps;
  let completed = false;
  if (source instanceof LazySequence) {
    for (let item = source.next(); item !== undefined; item = source.next()) {
      assign(frame, item);
      const signal = each(frame);
      if (signal === 0) completed = true;
      if (signal === 1) break;
    }
    return completed;
  }
  const items = source as readonly Value[];
  for (let index = 0; index < items.length; index++) {
    assign(frame, items[index] as Value);
    const signal = each(frame);
    if (signal === 0) completed = true;
    if (signal === 1) break;
  }
  return completed;
}

function runExtended(frame: Frame, context: LoopContext, steps: LoopSteps): boolean {
  const { assign, each } = steps;
  let completed = false;
  for (let item = context.advance(); item !== undefined; item = context.advance()) {
    assign(frame, item);
    const signal = each(frame);
    if (signal === 0) completed = true;
    if (signal === 1) break;
  }
  return completed;
}

/** `for x in items if test`: a lazy selection with variables of its own. */
function compileLoopFilter(
  node: ForNode,
  outer: Scope,
  compiler: Compiler,
): ((frame: Frame, iterable: Value) => LazySequence) | undefined {
  if (node.filter === undefined) return undefined;
  const scope = outer.inner();
  scope.symbols.parameters(node.target);
  scope.symbols.expression(node.filter);
  const enter = scope.allocate();
  const assign = compileTarget(node.target, scope);
  const test = compiler.expression(node.filter, scope);
  function* select(frame: Frame, source: readonly Value[]): Generator<Value> {
    enter(frame);
    for (const item of source) {
      assign(frame, item);
      if (truthy(test(frame))) yield item;
    }
  }
  return (frame, iterable) => new LazySequence("generator", select(frame, iterate(iterable)));
}

function compileOtherwise(node: ForNode, outer: Scope, compiler: Compiler): Execute | undefined {
  if (node.otherwise.length === 0) return undefined;
  const scope = outer.inner();
  scope.symbols.statements(node.otherwise);
  const enter = scope.allocate();
  const body = compiler.statements(node.otherwise, scope);
  return (frame) => {
    enter(frame);
    return body(frame);
  };
}

function storesLoop(node: ForNode): boolean {
  return targetStoresLoop(node.target) || bodyStoresLoop(node.body) || bodyStoresLoop(node.otherwise);
}

function targetStoresLoop(target: Target): boolean {
  if (target.kind === "store") return target.name === "loop";
  return target.kind === "targets" && target.items.some(targetStoresLoop);
}

function bodyStoresLoop(body: readonly Statement[]): boolean {
  return body.some((statement) => {
    switch (statement.kind) {
      case "assign":
        return targetStoresLoop(statement.target);
      case "assignBlock":
        return targetStoresLoop(statement.target) || bodyStoresLoop(statement.body);
      case "for":
        return storesLoop(statement);
      case "if":
        return (
          statement.branches.some((branch) => bodyStoresLoop(branch.body)) ||
          bodyStoresLoop(statement.otherwise)
        );
      case "with":
      case "macro":
      case "callBlock":
      case "filterBlock":
      case "scope":
        return bodyStoresLoop(statement.body);
      default:
        return false;
    }
  });
}
