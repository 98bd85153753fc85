import type { Value } from "../python/value.ts";

/** An expression of the template language; the kinds are jinja2's. */
export type Expression =
  | { readonly kind: "const"; readonly value: Value }
  | NameNode
  | { readonly kind: "tuple"; readonly items: readonly Expression[] }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "dict"; readonly pairs: readonly (readonly [Expression, Expression])[] }
  | {
      readonly kind: "condition";
      readonly test: Expression;
      readonly whenTrue: Expression;
      readonly otherwise: Expression | undefined;
      readonly line: number;
    }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "not"; readonly operand: Expression }
  | { readonly kind: "unary"; readonly operator: "-" | "+"; readonly operand: Expression }
  | {
      readonly kind: "arithmetic";
      readonly operator: "+" | "-" | "*" | "/" | "//" | "%" | "**";
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "concat"; readonly parts: readonly Expression[] }
  | { readonly kind: "compare"; readonly first: Expression; readonly rest: readonly Comparison[] }
  | { readonly kind: "attribute"; readonly object: Expression; readonly name: string }
  | { readonly kind: "item"; readonly object: Expression; readonly key: Expression }
  | SliceNode
  | CallNode
  | FilterNode
  | TestNode;

/** A variable that is read. */
export interface NameNode {
  readonly kind: "name";
  readonly name: string;
}

/** One link of a comparison chain. */
export interface Comparison {
  readonly operator: "eq" | "ne" | "lt" | "lteq" | "gt" | "gteq" | "in" | "notin";
  readonly operand: Expression;
}

/** `object[start:stop:step]`. */
export interface SliceNode {
  readonly kind: "slice";
  readonly object: Expression;
  readonly start: Expression | undefined;
  readonly stop: Expression | undefined;
  readonly step: Expression | undefined;
}

/** Arguments of a call, a filter or a test. */
export interface ArgumentsNode {
  readonly positional: readonly Expression[];
  readonly keyword: readonly (readonly [name: string, value: Expression])[];
  /** `*expression`. */
  readonly spread: Expression | undefined;
  /** `**expression`. */
  readonly keywordSpread: Expression | undefined;
}

/** `callee(arguments)`. */
export interface CallNode {
  readonly kind: "call";
  readonly callee: Expression;
  readonly args: ArgumentsNode;
}

/** `operand|name(arguments)`; no operand inside a filter block. */
export interface FilterNode {
  readonly kind: "filter";
  readonly operand: Expression | undefined;
  readonly name: string;
  readonly args: ArgumentsNode;
  readonly line: number;
}

/** `operand is name(arguments)`. */
export interface TestNode {
  readonly kind: "test";
  readonly operand: Expression;
  readonly name: string;
  readonly args: ArgumentsNode;
  readonly line: number;
}

/** What an assignment writes to. */
export type Target =
  | { readonly kind: "store"; readonly name: string }
  | { readonly kind: "member"; readonly name: string; readonly attribute: string }
  | { readonly kind: "targets"; readonly items: readonly Target[] };

/** Parameters of a macro or a call block: the last ones may have defaults. */
export interface ParametersNode {
  readonly names: readonly string[];
  readonly defaults: readonly Expression[];
}

/** A statement or a run of output. */
export type Statement =
  | { readonly kind: "output"; readonly parts: readonly OutputPart[] }
  | ForNode
  | { readonly kind: "if"; readonly branches: readonly Branch[]; readonly otherwise: readonly Statement[] }
  | MacroNode
  | CallBlockNode
  | FilterBlockNode
  | {
      readonly kind: "with";
      readonly targets: readonly Target[];
      readonly values: readonly Expression[];
      readonly body: readonly Statement[];
    }
  | { readonly kind: "assign"; readonly target: Target; readonly value: Expression }
  | AssignBlockNode
  | BlockNode
  | { readonly kind: "scope"; readonly body: readonly Statement[] }
  | {
      readonly kind: "template";
      readonly tag: "extends" | "include" | "import";
      readonly source: Expression;
      readonly stores: readonly string[];
    }
  | { readonly kind: "break" | "continue"; readonly line: number };

/** Literal text or a printed expression. */
export type OutputPart = { readonly kind: "text"; readonly text: string } | Expression;

/** One `if` or `elif`. */
export interface Branch {
  readonly test: Expression;
  readonly body: readonly Statement[];
}

/** `{% for %}`. */
export interface ForNode {
  readonly kind: "for";
  readonly target: Target;
  readonly iterable: Expression;
  readonly filter: Expression | undefined;
  readonly recursive: boolean;
  readonly body: readonly Statement[];
  readonly otherwise: readonly Statement[];
}

/** `{% macro %}`. */
export interface MacroNode {
  readonly kind: "macro";
  readonly name: string;
  readonly parameters: ParametersNode;
  readonly body: readonly Statement[];
  readonly line: number;
}

/** `{% call %}`, and `{% generation %}` (whose call is absent: it prints its body). */
export interface CallBlockNode {
  readonly kind: "callBlock";
  readonly call: CallNode | undefined;
  readonly parameters: ParametersNode;
  readonly body: readonly Statement[];
  readonly line: number;
}

/** `{% filter %}`. */
export interface FilterBlockNode {
  readonly kind: "filterBlock";
  readonly filter: FilterNode;
  readonly body: readonly Statement[];
}

/** `{% set name %}...{% endset %}`. */
export interface AssignBlockNode {
  readonly kind: "assignBlock";
  readonly target: Target;
  readonly filter: FilterNode | undefined;
  readonly body: readonly Statement[];
}

/** `{% block %}`. */
export interface BlockNode {
  readonly kind: "block";
  readonly name: string;
  readonly body: readonly Statement[];
  readonly line: number;
}

/** No arguments. */
export const NO_ARGUMENTS: ArgumentsNode = {
  positional: [],
  keyword: [],
  spread: undefined,
  keywordSpread: undefined,
};
