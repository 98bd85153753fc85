import { reprString } from "../python/repr-string.ts";
import { ExpressionParser } from "./expression-parser.ts";
import { tokenize } from "./lexer.ts";
import type { Branch, Expression, ForNode, OutputPart, ParametersNode, Statement, Target } from "./node.ts";
import { refuse } from "./syntax-failure.ts";
import { TokenStream } from "./token-stream.ts";

/** Reads a template into its syntax tree. Throws `template_invalid` with jinja2's message. */
export function parseTemplate(source: string): readonly Statement[] {
  return new StatementParser(new TokenStream(tokenize(source))).template();
}

class StatementParser extends ExpressionParser {
  /** Tags that are open, innermost last. */
  private readonly openTags: string[] = [];
  /** End tags that are waited for, innermost last. */
  private readonly awaited: (readonly string[])[] = [];

  template(): readonly Statement[] {
    return this.statements(undefined);
  }

  private statements(endTags: readonly string[] | undefined): Statement[] {
    const { stream } = this;
    const body: Statement[] = [];
    let output: OutputPart[] = [];
    const flush = (): void => {
      if (output.length > 0) body.push({ kind: "output", parts: output });
      output = [];
    };
    if (endTags !== undefined) this.awaited.push(endTags);
    while (!stream.is("eof")) {
      const token = stream.next();
      if (token.kind === "data") {
        output.push({ kind: "text", text: token.text });
      } else if (token.kind === "variable_begin") {
        output.push(this.tuple({ conditions: true }));
        stream.expect("variable_end");
      } else {
        flush();
        if (endTags?.some((name) => stream.isName(name)) === true) break;
        body.push(...this.statement());
        stream.expect("block_end");
      }
    }
    flush();
    if (endTags !== undefined) this.awaited.pop();
    return body;
  }

  /** Reads a body up to one of its end tags, and returns which one it was (already passed). */
  private body(...endTags: readonly string[]): { readonly statements: Statement[]; readonly end: string } {
    const { stream } = this;
    stream.skip("colon");
    stream.expect("block_end");
    const statements = this.statements(endTags);
    if (stream.is("eof")) return this.unexpectedEnd(undefined, endTags);
    return { statements, end: stream.next().text };
  }

  private statement(): readonly Statement[] {
    const { stream } = this;
    const token = stream.current;
    if (token.kind !== "name") return refuse("tag name expected");
    this.openTags.push(token.text);
    const result = this.statementNamed(token.text);
    if (result === undefined) {
      this.openTags.pop();
      return this.unexpectedEnd(token.text, undefined);
    }
    this.openTags.pop();
    return Array.isArray(result) ? result : [result as Statement];
  }

  private statementNamed(name: string): Statement | readonly Statement[] | undefined {
    switch (name) {
      case "set":
        return this.set();
      case "for":
        return this.for();
      case "if":
        return this.if();
      case "macro":
        return this.macro();
      case "call":
        return this.callBlock();
      case "generation":
        return this.generation();
      case "filter":
        return this.filterBlock();
      case "with":
        return this.with();
      case "print":
        return this.print();
      case "block":
        return this.block();
      case "break":
      case "continue":
        return { kind: name, line: this.stream.next().line };
      case "autoescape":
        return this.autoescape();
      case "extends":
      case "include":
      case "import":
      case "from":
        return this.otherTemplate(name);
      default:
        return undefined;
    }
  }

  private unexpectedEnd(name: string | undefined, endTags: readonly string[] | undefined): never {
    const awaited = endTags === undefined ? this.awaited : [...this.awaited, endTags];
    const message = [
      name === undefined ? "Unexpected end of template." : `Encountered unknown tag ${reprString(name)}.`,
    ];
    const innermost = awaited.at(-1)?.map(reprString).join(" or ");
    if (innermost !== undefined) {
      const isNested = name !== undefined && awaited.some((tags) => tags.includes(name));
      message.push(
        isNested
          ? `You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for ${innermost}.`
          : `Jinja was looking for the following tags: ${innermost}.`,
      );
    }
    const open = this.openTags.at(-1);
    if (open !== undefined)
      message.push(`The innermost block that needs to be closed is ${reprString(open)}.`);
    return refuse(message.join(" "));
  }

  private set(): Statement {
    const { stream } = this;
    stream.next();
    const target = this.target({ members: true });
    if (stream.skip("assign")) return { kind: "assign", target, value: this.tuple({ conditions: true }) };
    let filter: ReturnType<typeof this.filter> | undefined;
    while (stream.skip("pipe")) filter = this.filter(filter);
    return { kind: "assignBlock", target, filter, body: this.body("endset").statements };
  }

  private for(): ForNode {
    const { stream } = this;
    stream.next();
    const target = this.target({ endName: "in", members: false });
    stream.expectName("in");
    const iterable = this.tuple({ conditions: false, endName: "recursive" });
    const filter = stream.skipName("if") ? this.expression() : undefined;
    const recursive = stream.skipName("recursive");
    const { statements, end } = this.body("endfor", "else");
    const otherwise = end === "endfor" ? [] : this.body("endfor").statements;
    return { kind: "for", target, iterable, filter, recursive, body: statements, otherwise };
  }

  private if(): Statement {
    this.stream.next();
    const branches: Branch[] = [];
    for (;;) {
      const test = this.tuple({ conditions: false });
      const { statements, end } = this.body("elif", "else", "endif");
      branches.push({ test, body: statements });
      if (end === "elif") continue;
      const otherwise = end === "else" ? this.body("endif").statements : [];
      return { kind: "if", branches, otherwise };
    }
  }

  private parameters(): ParametersNode {
    const { stream } = this;
    const names: string[] = [];
    const defaults: Expression[] = [];
    stream.expect("lparen");
    while (!stream.is("rparen")) {
      if (names.length > 0) stream.expect("comma");
      const name = this.plainName();
      if (stream.skip("assign")) defaults.push(this.expression());
      else if (defaults.length > 0) refuse("non-default argument follows default argument");
      names.push(name);
    }
    stream.expect("rparen");
    return { names, defaults };
  }

  private plainName(): string {
    const name = this.stream.expect("name").text;
    return /^(?:true|false|none|True|False|None)$/.test(name) ? refuse("can't assign to 'name'") : name;
  }

  private macro(): Statement {
    const { line } = this.stream.next();
    const name = this.plainName();
    const parameters = this.parameters();
    return { kind: "macro", name, parameters, body: this.body("endmacro").statements, line };
  }

  private callBlock(): Statement {
    const { stream } = this;
    const { line } = stream.next();
    const parameters = stream.is("lparen") ? this.parameters() : NO_PARAMETERS;
    const call = this.expression();
    if (call.kind !== "call") return refuse("expected call");
    return { kind: "callBlock", call, parameters, body: this.body("endcall").statements, line };
  }

  private generation(): Statement {
    const { line } = this.stream.next();
    const body = this.body("endgeneration").statements;
    return { kind: "callBlock", call: undefined, parameters: NO_PARAMETERS, body, line };
  }

  private filterBlock(): Statement {
    this.stream.next();
    let filter = this.filter(undefined);
    while (this.stream.skip("pipe")) filter = this.filter(filter);
    return { kind: "filterBlock", filter, body: this.body("endfilter").statements };
  }

  private with(): Statement {
    const { stream } = this;
    stream.next();
    const targets: Target[] = [];
    const values: Expression[] = [];
    while (!stream.is("block_end")) {
      if (targets.length > 0) stream.expect("comma");
      targets.push(this.target({ members: false }));
      stream.expect("assign");
      values.push(this.expression());
    }
    return { kind: "with", targets, values, body: this.body("endwith").statements };
  }

  private print(): Statement {
    const { stream } = this;
    stream.next();
    const parts: Expression[] = [];
    while (!stream.is("block_end")) {
      if (parts.length > 0) stream.expect("comma");
      parts.push(this.expression());
    }
    return { kind: "output", parts };
  }

  private block(): Statement {
    const { stream } = this;
    const { line } = stream.next();
    const name = stream.expect("name").text;
    stream.skipName("scoped");
    if (stream.skipName("required")) refuse(`Required block ${reprString(name)} not found`);
    if (stream.is("sub")) {
      refuse(
        "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.",
      );
    }
    const { statements } = this.body("endblock");
    stream.skipName(name);
    return { kind: "block", name, body: statements, line };
  }

  private autoescape(): Statement {
    this.stream.next();
    const value = this.expression();
    if (value.kind !== "const" || value.value !== false) {
      return refuse("autoescape is not supported in chat templates");
    }
    return { kind: "scope", body: this.body("endautoescape").statements };
  }

  /** A tag that needs another template. There is no loader, so it fails when it is reached, as in jinja2. */
  private otherTemplate(tag: "extends" | "include" | "import" | "from"): Statement {
    const { stream } = this;
    stream.next();
    const source = this.expression();
    const stores: string[] = [];
    while (!stream.is("block_end") && !stream.is("eof")) {
      const token = stream.next();
      if (token.text === "as" && stream.is("name")) stores.push(stream.current.text);
    }
    return { kind: "template", tag: tag === "from" ? "import" : tag, source, stores };
  }
}

const NO_PARAMETERS: ParametersNode = { names: [], defaults: [] };
