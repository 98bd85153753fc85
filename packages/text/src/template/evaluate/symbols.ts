import type { ArgumentsNode, Expression, OutputPart, Statement, Target } from "../syntax/node.ts";

/** Where the value of a variable comes from when its scope is entered. */
export type Load =
  | { readonly kind: "parameter" }
  | { readonly kind: "resolve" }
  | { readonly kind: "alias"; readonly name: string }
  | { readonly kind: "undefined" };

/**
 * The names of one scope: which are read, which are written, and where their first value comes from. The rules
 * are those of jinja2's identifier tracking, on which the meaning of `set` inside loops and branches depends.
 */
export class Symbols {
  readonly parent: Symbols | undefined;
  /** Names that have a variable in this scope, with the origin of its first value. */
  loads = new Map<string, Load>();
  /** Names that are assigned in this scope. */
  stores = new Set<string>();

  constructor(parent: Symbols | undefined) {
    this.parent = parent;
  }

  /** The innermost scope in which the name has a variable. */
  find(name: string): Symbols | undefined {
    if (this.loads.has(name)) return this;
    return this.parent?.find(name);
  }

  declareParameter(name: string): void {
    this.stores.add(name);
    this.loads.set(name, { kind: "parameter" });
  }

  private load(name: string): void {
    if (this.find(name) === undefined) this.loads.set(name, { kind: "resolve" });
  }

  private store(name: string): void {
    this.stores.add(name);
    if (this.loads.has(name)) return;
    const outer = this.parent?.find(name);
    this.loads.set(name, outer === undefined ? { kind: "undefined" } : { kind: "alias", name });
  }

  private branch(): Symbols {
    const copy = new Symbols(this.parent);
    copy.loads = new Map(this.loads);
    copy.stores = new Set(this.stores);
    return copy;
  }

  /** Merges what the branches of an `if` assigned: such a name may keep the value from outside. */
  private merge(branches: readonly Symbols[]): void {
    const stored = new Set<string>();
    for (const branch of branches) for (const name of branch.stores) stored.add(name);
    for (const name of this.stores) stored.delete(name);
    for (const branch of branches) {
      for (const [name, load] of branch.loads) this.loads.set(name, load);
      for (const name of branch.stores) this.stores.add(name);
    }
    for (const name of stored) {
      const outer = this.parent?.find(name);
      this.loads.set(name, outer === undefined ? { kind: "resolve" } : { kind: "alias", name });
    }
  }

  /** Takes in the names of statements that belong to this scope. */
  statements(body: readonly Statement[]): void {
    for (const statement of body) this.statement(statement);
  }

  private statement(node: Statement): void {
    switch (node.kind) {
      case "output":
        for (const part of node.parts) this.part(part);
        break;
      case "for":
        this.expression(node.iterable);
        break;
      case "if":
        this.ifStatement(node);
        break;
      case "macro":
        this.store(node.name);
        break;
      case "callBlock":
        if (node.call !== undefined) this.expression(node.call);
        break;
      case "filterBlock":
        this.expression(node.filter);
        break;
      case "with":
        for (const value of node.values) this.expression(value);
        break;
      case "assign":
        this.expression(node.value);
        this.target(node.target);
        break;
      case "assignBlock":
        this.target(node.target);
        break;
      case "template":
        this.expression(node.source);
        for (const name of node.stores) this.store(name);
        break;
      case "block":
      case "scope":
      case "break":
      case "continue":
        break;
    }
  }

  private ifStatement(node: Extract<Statement, { kind: "if" }>): void {
    const [first, ...others] = node.branches;
    if (first === undefined) return;
    this.expression(first.test);
    const body = this.branch();
    body.statements(first.body);
    const elifs = this.branch();
    // Each `elif` is a statement of its own, one after the other in one shared branch.
    for (const other of others) elifs.ifStatement({ kind: "if", branches: [other], otherwise: [] });
    const otherwise = this.branch();
    otherwise.statements(node.otherwise);
    this.merge([body, elifs, otherwise]);
  }

  /** Takes in the names an assignment writes. */
  target(target: Target): void {
    if (target.kind === "store") this.store(target.name);
    else if (target.kind === "member") this.load(target.name);
    else for (const item of target.items) this.target(item);
  }

  /** Declares the targets of a loop as its parameters. */
  parameters(target: Target): void {
    if (target.kind === "store") this.declareParameter(target.name);
    else if (target.kind === "targets") for (const item of target.items) this.parameters(item);
  }

  private part(part: OutputPart): void {
    if (part.kind !== "text") this.expression(part);
  }

  /** Takes in the names an expression reads. */
  expression(node: Expression): void {
    if (node.kind === "name") this.load(node.name);
    else forEachChild(node, (child) => this.expression(child));
  }
}

/** Calls `visit` for the direct parts of an expression, in the order jinja2 visits them. */
export function forEachChild(node: Expression, visit: (child: Expression) => void): void {
  switch (node.kind) {
    case "const":
    case "name":
      return;
    case "tuple":
    case "list":
      node.items.forEach(visit);
      return;
    case "dict":
      for (const [key, value] of node.pairs) {
        visit(key);
        visit(value);
      }
      return;
    case "condition":
      visit(node.test);
      visit(node.whenTrue);
      if (node.otherwise !== undefined) visit(node.otherwise);
      return;
    case "and":
    case "or":
    case "arithmetic":
      visit(node.left);
      visit(node.right);
      return;
    case "not":
    case "unary":
      visit(node.operand);
      return;
    case "concat":
      node.parts.forEach(visit);
      return;
    case "compare":
      visit(node.first);
      for (const link of node.rest) visit(link.operand);
      return;
    case "attribute":
      visit(node.object);
      return;
    case "item":
      visit(node.object);
      visit(node.key);
      return;
    case "slice":
      visit(node.object);
      for (const bound of [node.start, node.stop, node.step]) if (bound !== undefined) visit(bound);
      return;
    case "call":
      visit(node.callee);
      visitArguments(node.args, visit);
      return;
    case "filter":
    case "test":
      if (node.operand !== undefined) visit(node.operand);
      visitArguments(node.args, visit);
  }
}

function visitArguments(args: ArgumentsNode, visit: (child: Expression) => void): void {
  args.positional.forEach(visit);
  for (const [, value] of args.keyword) visit(value);
  if (args.spread !== undefined) visit(args.spread);
  if (args.keywordSpread !== undefined) visit(args.keywordSpread);
}
