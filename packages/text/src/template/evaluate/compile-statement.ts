import { truthy } from "../python/compare.ts";
import { fail } from "../python/failure.ts";
import { toText } from "../python/text-form.ts";
import type { AssignBlockNode, FilterBlockNode, OutputPart, Statement } from "../syntax/node.ts";
import { refuse } from "../syntax/syntax-failure.ts";
import { compileMemberCheck, compileTarget } from "./compile-assign.ts";
import { compileExpression } from "./compile-expression.ts";
import { compileLoop } from "./compile-loop.ts";
import { compileCallBlock, compileMacro } from "./compile-macro.ts";
import { compilePrintedSum, isSum } from "./compile-sum.ts";
import type { Evaluate, Execute } from "./frame.ts";
import type { Compiler, Scope } from "./scope.ts";

type StatementOf<K extends Statement["kind"]> = Extract<Statement, { kind: K }>;

/** The compiler of templates: expressions and statements into closures. */
export const COMPILER: Compiler = {
  expression: (node, scope) => compileExpression(node, scope, COMPILER),
  statements: compileStatements,
};

function compileStatements(body: readonly Statement[], scope: Scope): Execute {
  const steps = body.map((statement) => compileStatement(statement, scope));
  const [first, second] = steps;
  if (first === undefined) return () => 0;
  if (second === undefined) return first;
  return (frame) => {
    for (let index = 0; index < steps.length; index++) {
      const signal = (steps[index] as Execute)(frame);
      if (signal !== 0) return signal;
    }
    return 0;
  };
}

function compileStatement(node: Statement, scope: Scope): Execute {
  switch (node.kind) {
    case "output":
      return compileOutput(node.parts, scope);
    case "for":
      return compileLoop(node, scope, COMPILER);
    case "if":
      return compileIf(node, scope);
    case "macro":
      return compileMacro(node, scope, COMPILER);
    case "callBlock":
      return compileCallBlock(node, scope, COMPILER);
    case "filterBlock":
      return compileFilterBlock(node, scope);
    case "with":
      return compileWith(node, scope);
    case "assign":
      return compileAssign(node, scope);
    case "assignBlock":
      return compileAssignBlock(node, scope);
    case "block":
      return compileBlock(node, scope);
    case "scope":
      return compileInnerScope(node.body, scope);
    case "template":
      return compileOtherTemplate(COMPILER.expression(node.source, scope));
    case "break":
    case "continue": {
      if (!scope.inLoop)
        refuse(node.kind === "break" ? "'break' outside loop" : "'continue' not properly in loop");
      const signal = node.kind === "break" ? 1 : 2;
      return () => signal;
    }
  }
}

function compileOutput(parts: readonly OutputPart[], scope: Scope): Execute {
  const steps = parts.map((part) => compilePart(part, scope));
  const [first, second] = steps;
  if (first !== undefined && second === undefined) return first;
  return (frame) => {
    for (let index = 0; index < steps.length; index++) (steps[index] as Execute)(frame);
    return 0;
  };
}

function compilePart(part: OutputPart, scope: Scope): Execute {
  if (part.kind === "text") return printer(part.text);
  if (part.kind === "const") return printer(toText(part.value));
  // jinja2 computes constants beforehand, where a slice of what has none is undefined instead of an error.
  if (part.kind === "slice" && part.object.kind === "const" && typeof part.object.value !== "string") {
    return printer("");
  }
  if (scope.printsStraight && isSum(part)) {
    return compilePrintedSum(part, (child) => COMPILER.expression(child, scope));
  }
  const evaluate = COMPILER.expression(part, scope);
  if (scope.printsStraight) {
    return (frame) => {
      const value = evaluate(frame);
      frame.print(typeof value === "string" ? value : toText(value));
      return 0;
    };
  }
  return (frame) => {
    const value = evaluate(frame);
    frame.out += typeof value === "string" ? value : toText(value);
    return 0;
  };
}

function printer(text: string): Execute {
  return (frame) => {
    frame.out += text;
    return 0;
  };
}

function compileIf(node: StatementOf<"if">, scope: Scope): Execute {
  const inner = scope.softened();
  const branches = node.branches.map((branch) => ({
    test: COMPILER.expression(branch.test, inner),
    body: compileStatements(branch.body, inner),
  }));
  const otherwise = compileStatements(node.otherwise, inner);
  const [first, second] = branches;
  if (first !== undefined && second === undefined) {
    const { test, body } = first;
    return (frame) => {
      const value = test(frame);
      return value === true || (value !== false && truthy(value)) ? body(frame) : otherwise(frame);
    };
  }
  return (frame) => {
    for (let index = 0; index < branches.length; index++) {
      const { test, body } = branches[index] as (typeof branches)[number];
      const value = test(frame);
      if (value === true || (value !== false && truthy(value))) return body(frame);
    }
    return otherwise(frame);
  };
}

function compileInnerScope(body: readonly Statement[], scope: Scope): Execute {
  const inner = scope.inner();
  inner.symbols.statements(body);
  const enter = inner.allocate();
  const run = compileStatements(body, inner);
  return (frame) => {
    enter(frame);
    return run(frame);
  };
}

function compileFilterBlock(node: FilterBlockNode, scope: Scope): Execute {
  const inner = scope.inner({ isCaptured: true });
  inner.symbols.statements(node.body);
  inner.symbols.expression(node.filter);
  const enter = inner.allocate();
  const body = compileStatements(node.body, inner);
  const filter = COMPILER.expression(node.filter, inner);
  return (frame) => {
    enter(frame);
    const before = frame.out;
    frame.out = "";
    const signal = body(frame);
    const text = signal === 0 ? toText(filter(frame)) : "";
    frame.out = before + text;
    return signal;
  };
}

function compileWith(node: StatementOf<"with">, scope: Scope): Execute {
  const inner = scope.inner();
  for (const target of node.targets) inner.symbols.parameters(target);
  inner.symbols.statements(node.body);
  const enter = inner.allocate();
  const values = node.values.map((value) => COMPILER.expression(value, scope));
  const targets = node.targets.map((target) => compileTarget(target, inner));
  const body = compileStatements(node.body, inner);
  return (frame) => {
    enter(frame);
    for (const [index, value] of values.entries()) targets[index]?.(frame, value(frame));
    return body(frame);
  };
}

function compileAssign(node: StatementOf<"assign">, scope: Scope): Execute {
  const value = COMPILER.expression(node.value, scope);
  const assign = compileTarget(node.target, scope);
  if (node.target.kind === "store") {
    return (frame) => {
      assign(frame, value(frame));
      return 0;
    };
  }
  const check = compileMemberCheck(node.target, scope);
  return (frame) => {
    check(frame);
    assign(frame, value(frame));
    return 0;
  };
}

function compileAssignBlock(node: AssignBlockNode, scope: Scope): Execute {
  const inner = scope.inner({ isCaptured: true });
  inner.symbols.statements(node.body);
  if (node.filter !== undefined) inner.symbols.expression(node.filter);
  const enter = inner.allocate();
  const body = compileStatements(node.body, inner);
  const filter = node.filter === undefined ? undefined : COMPILER.expression(node.filter, inner);
  const assign = compileTarget(node.target, scope);
  return (frame) => {
    enter(frame);
    const before = frame.out;
    frame.out = "";
    const signal = body(frame);
    const value = signal !== 0 ? "" : filter === undefined ? frame.out : filter(frame);
    frame.out = before;
    if (signal === 0) assign(frame, value);
    return signal;
  };
}

/** A block prints its body where it stands. It sees the given variables, and what the top level has set. */
function compileBlock(node: StatementOf<"block">, scope: Scope): Execute {
  if (scope.unit.blocks.has(node.name)) refuse(`block '${node.name}' defined twice`);
  scope.unit.blocks.add(node.name);
  return compileInnerScope(node.body, scope);
}

function compileOtherTemplate(source: Evaluate): Execute {
  return (frame) => {
    source(frame);
    return fail("no loader for this environment specified");
  };
}
