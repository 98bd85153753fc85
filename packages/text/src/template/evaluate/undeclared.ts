import type { Expression, OutputPart, ParametersNode, Statement, Target } from "../syntax/node.ts";
import { forEachChild } from "./symbols.ts";

/**
 * Which of the names are read before anything of that name is assigned, in the order of the text and through
 * all nested scopes. It decides whether a loop keeps a `loop` variable and what a macro takes.
 */
export function findUndeclared(body: readonly Statement[], names: readonly string[]): ReadonlySet<string> {
  const finder = new Finder(names);
  finder.statements(body);
  return finder.found;
}

class Finder {
  readonly found = new Set<string>();
  private readonly open: Set<string>;

  constructor(names: readonly string[]) {
    this.open = new Set(names);
  }

  statements(body: readonly Statement[]): void {
    for (const statement of body) this.statement(statement);
  }

  private statement(node: Statement): void {
    switch (node.kind) {
      case "output":
        for (const part of node.parts) this.part(part);
        break;
      case "for":
        this.target(node.target);
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
      case "macro":
        this.parameters(node.parameters);
        this.statements(node.body);
        break;
      case "callBlock":
        this.expression(node.call);
        this.parameters(node.parameters);
        this.statements(node.body);
        break;
      case "filterBlock":
        this.statements(node.body);
        this.expression(node.filter);
        break;
      case "with":
        node.targets.forEach((target) => this.target(target));
        node.values.forEach((value) => this.expression(value));
        this.statements(node.body);
        break;
      case "assign":
        this.target(node.target);
        this.expression(node.value);
        break;
      case "assignBlock":
        this.target(node.target);
        this.expression(node.filter);
        this.statements(node.body);
        break;
      case "scope":
        this.statements(node.body);
        break;
      case "template":
        this.expression(node.source);
        break;
      case "block":
      case "break":
      case "continue":
        break;
    }
  }

  private parameters(parameters: ParametersNode): void {
    for (const name of parameters.names) this.open.delete(name);
    parameters.defaults.forEach((value) => this.expression(value));
  }

  private target(target: Target): void {
    if (target.kind === "store") this.open.delete(target.name);
    else if (target.kind === "targets") target.items.forEach((item) => this.target(item));
  }

  private part(part: OutputPart): void {
    if (part.kind !== "text") this.expression(part);
  }

  private expression(node: Expression | undefined): void {
    if (node === undefined) return;
    if (node.kind === "name") {
      if (this.open.has(node.name)) this.found.add(node.name);
    } else {
      forEachChild(node, (child) => this.expression(child));
    }
  }
}
