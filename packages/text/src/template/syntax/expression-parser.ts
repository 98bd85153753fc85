import { reprString } from "../python/repr-string.ts";
import { describeToken } from "./lexer.ts";
import type { Comparison, Expression, Target } from "./node.ts";
import { CONSTANTS, PrimaryParser, type TupleOptions } from "./primary-parser.ts";
import { refuse } from "./syntax-failure.ts";

const COMPARISONS = new Set(["eq", "ne", "lt", "lteq", "gt", "gteq"]);
const SUMS: Readonly<Record<string, "+" | "-">> = { add: "+", sub: "-" };
const PRODUCTS: Readonly<Record<string, "*" | "/" | "//" | "%">> = {
  mul: "*",
  div: "/",
  floordiv: "//",
  mod: "%",
};
const TUPLE_END_KINDS = new Set(["variable_end", "block_end", "rparen"]);

/** Reads expressions, with jinja2's precedence. */
export class ExpressionParser extends PrimaryParser {
  override expression(conditions = true): Expression {
    return conditions ? this.condition() : this.or();
  }

  override tuple(options: TupleOptions): Expression {
    const items: Expression[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) this.stream.expect("comma");
      if (this.isTupleEnd(options.endName)) break;
      items.push(this.expression(options.conditions));
      if (!this.stream.is("comma")) break;
      isTuple = true;
    }
    const [only] = items;
    if (!isTuple && only !== undefined) return only;
    if (!isTuple && options.parentheses !== true) {
      return refuse(`Expected an expression, got ${reprString(describeToken(this.stream.current))}`);
    }
    return { kind: "tuple", items };
  }

  private isTupleEnd(endName: string | undefined): boolean {
    return (
      TUPLE_END_KINDS.has(this.stream.current.kind) || (endName !== undefined && this.stream.isName(endName))
    );
  }

  /** Reads what an assignment writes to: names, tuples of them, and members of namespaces where allowed. */
  target(options: { readonly endName?: string; readonly members: boolean }): Target {
    const items: Target[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) this.stream.expect("comma");
      if (this.isTupleEnd(options.endName)) break;
      items.push(this.simpleTarget(options.members));
      if (!this.stream.is("comma")) break;
      isTuple = true;
    }
    const [only] = items;
    if (!isTuple && only !== undefined) return only;
    if (!isTuple)
      return refuse(`Expected an expression, got ${reprString(describeToken(this.stream.current))}`);
    return { kind: "targets", items };
  }

  private simpleTarget(members: boolean): Target {
    const { stream } = this;
    const token = stream.current;
    if (token.kind === "lparen") {
      stream.next();
      const target = toTarget(this.tuple({ conditions: true, parentheses: true }));
      stream.expect("rparen");
      return target;
    }
    if (token.kind !== "name") return toTarget(this.primary());
    stream.next();
    if (CONSTANTS.has(token.text)) return refuse("can't assign to 'const'");
    if (members && stream.skip("dot")) {
      return { kind: "member", name: token.text, attribute: stream.expect("name").text };
    }
    return { kind: "store", name: token.text };
  }

  private condition(): Expression {
    let line = this.stream.current.line;
    let result = this.or();
    while (this.stream.skipName("if")) {
      const test = this.or();
      const otherwise = this.stream.skipName("else") ? this.condition() : undefined;
      result = { kind: "condition", test, whenTrue: result, otherwise, line };
      line = this.stream.current.line;
    }
    return result;
  }

  private or(): Expression {
    let left = this.and();
    while (this.stream.skipName("or")) left = { kind: "or", left, right: this.and() };
    return left;
  }

  private and(): Expression {
    let left = this.not();
    while (this.stream.skipName("and")) left = { kind: "and", left, right: this.not() };
    return left;
  }

  private not(): Expression {
    return this.stream.skipName("not") ? { kind: "not", operand: this.not() } : this.compare();
  }

  private compare(): Expression {
    const first = this.sum();
    const rest: Comparison[] = [];
    for (;;) {
      const operator = this.comparisonOperator();
      if (operator === undefined) break;
      rest.push({ operator, operand: this.sum() });
    }
    return rest.length === 0 ? first : { kind: "compare", first, rest };
  }

  private comparisonOperator(): Comparison["operator"] | undefined {
    const { stream } = this;
    if (COMPARISONS.has(stream.current.kind)) return stream.next().kind as Comparison["operator"];
    if (stream.skipName("in")) return "in";
    const isNotIn =
      stream.isName("not") && stream.following.kind === "name" && stream.following.text === "in";
    if (!isNotIn) return undefined;
    stream.next();
    stream.next();
    return "notin";
  }

  private sum(): Expression {
    let left = this.concat();
    for (
      let operator = SUMS[this.stream.current.kind];
      operator !== undefined;
      operator = SUMS[this.stream.current.kind]
    ) {
      this.stream.next();
      left = { kind: "arithmetic", operator, left, right: this.concat() };
    }
    return left;
  }

  private concat(): Expression {
    const parts = [this.product()];
    while (this.stream.skip("tilde")) parts.push(this.product());
    return parts.length === 1 ? (parts[0] as Expression) : { kind: "concat", parts };
  }

  private product(): Expression {
    let left = this.power();
    for (
      let operator = PRODUCTS[this.stream.current.kind];
      operator !== undefined;
      operator = PRODUCTS[this.stream.current.kind]
    ) {
      this.stream.next();
      left = { kind: "arithmetic", operator, left, right: this.power() };
    }
    return left;
  }

  private power(): Expression {
    let left = this.unary(true);
    while (this.stream.skip("pow"))
      left = { kind: "arithmetic", operator: "**", left, right: this.unary(true) };
    return left;
  }

  private unary(withFilters: boolean): Expression {
    const operator = SUMS[this.stream.current.kind];
    let node: Expression;
    if (operator === undefined) {
      node = this.primary();
    } else {
      this.stream.next();
      node = { kind: "unary", operator, operand: this.unary(false) };
    }
    node = this.postfix(node);
    return withFilters ? this.filters(node) : node;
  }
}

function toTarget(node: Expression): Target {
  if (node.kind === "name") return { kind: "store", name: node.name };
  if (node.kind === "tuple") return { kind: "targets", items: node.items.map(toTarget) };
  return refuse(`can't assign to '${node.kind}'`);
}
