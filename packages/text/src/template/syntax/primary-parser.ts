import { reprString } from "../python/repr-string.ts";
import { toText } from "../python/text-form.ts";
import { describeToken } from "./lexer.ts";
import { NO_ARGUMENTS, type ArgumentsNode, type CallNode, type Expression, type FilterNode } from "./node.ts";
import { refuse } from "./syntax-failure.ts";
import type { TokenStream } from "./token-stream.ts";

/** Names that are literals and cannot be assigned. */
export const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
]);
/** Kinds that can begin the unparenthesised argument of a test. */
const TEST_ARGUMENT_KINDS = new Set(["name", "string", "integer", "float", "lparen", "lbracket", "lbrace"]);

/** How a (possibly bare) tuple is to be read. */
export interface TupleOptions {
  /** Whether `a if b else c` may stand unparenthesised. */
  readonly conditions: boolean;
  /** A name that ends the tuple (`recursive` after a loop's iterable). */
  readonly endName?: string;
  /** Whether the tuple stands in parentheses, so that an empty one is valid. */
  readonly parentheses?: boolean;
}

/** Reads literals, and what can follow them: subscripts, calls, filters and tests. */
export abstract class PrimaryParser {
  protected readonly stream: TokenStream;

  constructor(stream: TokenStream) {
    this.stream = stream;
  }

  /** Reads one expression. */
  abstract expression(conditions?: boolean): Expression;

  /** Reads an expression, or several separated by commas as a tuple. */
  abstract tuple(options: TupleOptions): Expression;

  protected primary(): Expression {
    const { stream } = this;
    const token = stream.current;
    switch (token.kind) {
      case "name": {
        stream.next();
        const constant = CONSTANTS.get(token.text);
        return constant === undefined
          ? { kind: "name", name: token.text }
          : { kind: "const", value: constant };
      }
      case "string": {
        let text = "";
        while (stream.is("string")) text += toText(stream.next().value);
        return { kind: "const", value: text };
      }
      case "integer":
      case "float":
        return { kind: "const", value: stream.next().value };
      case "lparen": {
        stream.next();
        const node = this.tuple({ conditions: true, parentheses: true });
        stream.expect("rparen");
        return node;
      }
      case "lbracket":
        return this.list();
      case "lbrace":
        return this.dict();
      default:
        return refuse(`unexpected ${reprString(describeToken(token))}`);
    }
  }

  private list(): Expression {
    this.stream.expect("lbracket");
    const items: Expression[] = [];
    while (!this.stream.is("rbracket")) {
      if (items.length > 0) this.stream.expect("comma");
      if (this.stream.is("rbracket")) break;
      items.push(this.expression());
    }
    this.stream.expect("rbracket");
    return { kind: "list", items };
  }

  private dict(): Expression {
    this.stream.expect("lbrace");
    const pairs: (readonly [Expression, Expression])[] = [];
    while (!this.stream.is("rbrace")) {
      if (pairs.length > 0) this.stream.expect("comma");
      if (this.stream.is("rbrace")) break;
      const key = this.expression();
      this.stream.expect("colon");
      pairs.push([key, this.expression()]);
    }
    this.stream.expect("rbrace");
    return { kind: "dict", pairs };
  }

  protected postfix(node: Expression): Expression {
    let result = node;
    for (;;) {
      if (this.stream.is("dot") || this.stream.is("lbracket")) result = this.subscript(result);
      else if (this.stream.is("lparen")) result = this.call(result);
      else return result;
    }
  }

  protected filters(node: Expression): Expression {
    let result = node;
    for (;;) {
      if (this.stream.skip("pipe")) result = this.filter(result);
      else if (this.stream.isName("is")) result = this.test(result);
      else if (this.stream.is("lparen")) result = this.call(result);
      else return result;
    }
  }

  private subscript(object: Expression): Expression {
    const { stream } = this;
    if (stream.next().kind === "dot") {
      const token = stream.next();
      if (token.kind === "name") return { kind: "attribute", object, name: token.text };
      if (token.kind !== "integer") return refuse("expected name or number");
      return { kind: "item", object, key: { kind: "const", value: token.value } };
    }
    const keys: Expression[] = [];
    let slice: Expression | undefined;
    while (!stream.is("rbracket")) {
      if (keys.length > 0 || slice !== undefined) stream.expect("comma");
      const key = this.subscriptKey(object);
      if (key.kind === "slice" && key.object === object) slice = key;
      else keys.push(key);
    }
    stream.expect("rbracket");
    if (slice !== undefined) return keys.length === 0 ? slice : refuse("tuples of slices are not supported");
    const [only] = keys;
    return {
      kind: "item",
      object,
      key: keys.length === 1 && only !== undefined ? only : { kind: "tuple", items: keys },
    };
  }

  private subscriptKey(object: Expression): Expression {
    const { stream } = this;
    let start: Expression | undefined;
    if (!stream.is("colon")) {
      start = this.expression();
      if (!stream.is("colon")) return start;
    }
    stream.expect("colon");
    const stop = stream.is("colon") ? undefined : this.sliceBound();
    const step = stream.skip("colon") ? this.sliceBound() : undefined;
    return { kind: "slice", object, start, stop, step };
  }

  private sliceBound(): Expression | undefined {
    return this.stream.is("rbracket") || this.stream.is("comma") ? undefined : this.expression();
  }

  /** Reads the arguments of a call to an expression already read. */
  protected call(callee: Expression): CallNode {
    return { kind: "call", callee, args: this.args() };
  }

  private args(): ArgumentsNode {
    const { stream } = this;
    stream.expect("lparen");
    const positional: Expression[] = [];
    const keyword: (readonly [string, Expression])[] = [];
    let spread: Expression | undefined;
    let keywordSpread: Expression | undefined;
    const ensure = (valid: boolean): void => {
      if (!valid) refuse("invalid syntax for function call expression");
    };
    for (let first = true; !stream.is("rparen"); first = false) {
      if (!first) {
        stream.expect("comma");
        if (stream.is("rparen")) break;
      }
      if (stream.skip("mul")) {
        ensure(spread === undefined && keywordSpread === undefined);
        spread = this.expression();
      } else if (stream.skip("pow")) {
        ensure(keywordSpread === undefined);
        keywordSpread = this.expression();
      } else if (stream.is("name") && stream.following.kind === "assign") {
        ensure(keywordSpread === undefined);
        const name = stream.next().text;
        stream.next();
        keyword.push([name, this.expression()]);
      } else {
        ensure(spread === undefined && keywordSpread === undefined && keyword.length === 0);
        positional.push(this.expression());
      }
    }
    stream.expect("rparen");
    return { positional, keyword, spread, keywordSpread };
  }

  /** Reads the name and arguments of one filter; the bar before it is already passed. */
  protected filter(operand: Expression | undefined): FilterNode {
    const { line } = this.stream.current;
    const name = this.dottedName();
    const args = this.stream.is("lparen") ? this.args() : NO_ARGUMENTS;
    return { kind: "filter", operand, name, args, line };
  }

  private dottedName(): string {
    let name = this.stream.expect("name").text;
    while (this.stream.skip("dot")) name += `.${this.stream.expect("name").text}`;
    return name;
  }

  private test(operand: Expression): Expression {
    const { stream } = this;
    const { line } = stream.next();
    const negated = stream.skipName("not");
    const name = this.dottedName();
    let args = NO_ARGUMENTS;
    if (stream.is("lparen")) {
      args = this.args();
    } else if (this.startsTestArgument()) {
      if (stream.isName("is")) return refuse("You cannot chain multiple tests with is");
      args = { ...NO_ARGUMENTS, positional: [this.postfix(this.primary())] };
    }
    const test: Expression = { kind: "test", operand, name, args, line };
    return negated ? { kind: "not", operand: test } : test;
  }

  private startsTestArgument(): boolean {
    const { stream } = this;
    const endsHere = stream.isName("else") || stream.isName("or") || stream.isName("and");
    return TEST_ARGUMENT_KINDS.has(stream.current.kind) && !endsHere;
  }
}
