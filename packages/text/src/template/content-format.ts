import type { ArgumentsNode, Expression, OutputPart, Statement, Target } from "./syntax/node.ts";
import { forEachChild } from "./evaluate/symbols.ts";

/** How a template wants the content of messages: joined text, or the list of parts. */
export type ContentFormat = "string" | "openai";

type Assignment = Extract<Statement, { kind: "assign" }>;
type Loop = Extract<Statement, { kind: "for" }>;
type MacroDefinition = Extract<Statement, { kind: "macro" }>;
type Call = Extract<Expression, { kind: "call" }>;

/**
 * Guesses from the syntax tree how a template reads message content, by vLLM's rules: a loop over
 * `message.content`, over a macro parameter that receives it, or over a plain `content` means a list of parts.
 */
export function detectContentFormat(body: readonly Statement[]): ContentFormat {
  const tree = new Tree();
  tree.statements(body);
  return loopsOverContent(tree) ? "openai" : "string";
}

/** The nodes of a template that matter here, in the order of the text. */
class Tree {
  readonly assignments: Assignment[] = [];
  readonly loops: Loop[] = [];
  readonly macros: { readonly node: MacroDefinition; readonly loops: readonly Loop[] }[] = [];
  readonly calls: Call[] = [];

  statements(body: readonly Statement[]): void {
    for (const statement of body) this.statement(statement);
  }

  private statement(node: Statement): void {
    switch (node.kind) {
      case "output":
        for (const part of node.parts) this.part(part);
        break;
      case "for":
        this.loops.push(node);
        this.expression(node.iterable);
        this.statements(node.body);
        this.statements(node.otherwise);
        this.expression(node.filter);
        break;
      case "if":
        for (const branch of node.branches) {
          this.expression(branch.test);
          this.statements(branch.body);
        }
        this.statements(node.otherwise);
        break;
      case "macro": {
        const before = this.loops.length;
        node.parameters.defaults.forEach((value) => this.expression(value));
        this.statements(node.body);
        this.macros.push({ node, loops: this.loops.slice(before) });
        break;
      }
      case "assign":
        this.assignments.push(node);
        this.expression(node.value);
        break;
      case "callBlock":
        this.expression(node.call);
        this.statements(node.body);
        break;
      case "filterBlock":
      case "assignBlock":
        this.statements(node.body);
        this.expression(node.filter);
        break;
      case "with":
        node.values.forEach((value) => this.expression(value));
        this.statements(node.body);
        break;
      case "scope":
      case "block":
        this.statements(node.body);
        break;
      case "template":
      case "break":
      case "continue":
        break;
    }
  }

  private part(part: OutputPart): void {
    if (part.kind !== "text") this.expression(part);
  }

  private expression(node: Expression | undefined): void {
    if (node === undefined) return;
    if (node.kind === "call") this.calls.push(node);
    forEachChild(node, (child) => this.expression(child));
  }
}

/** vLLM gives up on a template whose assignment or loop targets are not plain names: it counts as "string". */
const UNDECIDED = Symbol("undecided");

function plainName(target: Target): string | typeof UNDECIDED {
  return target.kind === "store" ? target.name : UNDECIDED;
}

function loopsOverContent(tree: Tree): boolean {
  const messageNames = findMessageNames(tree);
  if (messageNames === UNDECIDED) return false;
  const isContent = (node: Expression): boolean =>
    messageNames.some((name) => readsFrom(node, name, "content"));
  const parametersOfLoop = contentParameters(tree, isContent);
  const loopsInMacros = new Set(tree.macros.flatMap((macro) => macro.loops));
  for (const loop of tree.loops) {
    const { iterable } = loop;
    const isPlainContent =
      iterable.kind === "name" &&
      ((parametersOfLoop.get(loop)?.has(iterable.name) ?? false) ||
        (!loopsInMacros.has(loop) && iterable.name === "content"));
    if (isContent(iterable) || isPlainContent) return plainName(loop.target) !== UNDECIDED;
  }
  return false;
}

/** Names of loop variables that hold one message. */
function findMessageNames(tree: Tree): readonly string[] | typeof UNDECIDED {
  const lists = ["messages"];
  for (let index = 0; index < lists.length; index++) {
    const list = lists[index] ?? "";
    for (const { target, value } of tree.assignments) {
      if (!readsFrom(value, list)) continue;
      const name = plainName(target);
      if (name === UNDECIDED) return UNDECIDED;
      if (name !== list && !lists.includes(name)) lists.push(name);
    }
  }
  const names: string[] = [];
  for (const loop of tree.loops) {
    if (!lists.some((list) => readsFrom(loop.iterable, list))) continue;
    const name = plainName(loop.target);
    if (name === UNDECIDED) return UNDECIDED;
    names.push(name);
  }
  return names;
}

/** For every loop inside a macro: the macro's parameters that receive the content of a message in some call. */
function contentParameters(
  tree: Tree,
  isContent: (node: Expression) => boolean,
): ReadonlyMap<Loop, ReadonlySet<string>> {
  const result = new Map<Loop, ReadonlySet<string>>();
  for (const { node, loops } of tree.macros) {
    const names = new Set<string>();
    for (const call of tree.calls) {
      if (call.callee.kind !== "name" || call.callee.name !== node.name) continue;
      addContentArguments(names, { args: call.args, parameters: node.parameters.names, isContent });
    }
    if (names.size > 0) for (const loop of loops) result.set(loop, names);
  }
  return result;
}

function addContentArguments(
  names: Set<string>,
  call: {
    readonly args: ArgumentsNode;
    readonly parameters: readonly string[];
    readonly isContent: (node: Expression) => boolean;
  },
): void {
  for (const [index, value] of call.args.positional.entries()) {
    const parameter = call.parameters[index];
    if (parameter !== undefined && call.isContent(value)) names.add(parameter);
  }
  for (const [name, value] of call.args.keyword) {
    if (call.parameters.includes(name) && call.isContent(value)) names.add(name);
  }
}

/** Whether an expression is the variable (or its `key`), possibly filtered, tested or sliced. */
function readsFrom(node: Expression, variable: string, key?: string): boolean {
  switch (node.kind) {
    case "filter":
      return node.operand !== undefined && readsFrom(node.operand, variable, key);
    case "test":
      return readsFrom(node.operand, variable, key);
    case "slice":
      return readsFrom(node.object, variable, key);
    case "name":
      return key === undefined && node.name === variable;
    case "attribute":
      return key === node.name && isVariable(node.object, variable);
    case "item":
      return (
        key !== undefined &&
        node.key.kind === "const" &&
        node.key.value === key &&
        isVariable(node.object, variable)
      );
    default:
      return false;
  }
}

function isVariable(node: Expression, variable: string): boolean {
  return node.kind === "name" && node.name === variable;
}
