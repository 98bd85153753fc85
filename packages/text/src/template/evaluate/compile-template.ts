import { TextError } from "../../text-error.ts";
import { ENVIRONMENT_NAMES } from "../builtins/globals.ts";
import type { Value } from "../python/value.ts";
import type { Statement } from "../syntax/node.ts";
import { COMPILER } from "./compile-statement.ts";
import { Frame } from "./frame.ts";
import { Scope, Unit } from "./scope.ts";

/** A template ready to be rendered any number of times. */
export interface CompiledTemplate {
  /** Names the template reads without defining them. */
  readonly undeclared: ReadonlySet<string>;
  /** Renders with the given variables; `globals` answers for the names not among them. */
  render(variables: ReadonlyMap<string, Value>, globals: ReadonlyMap<string, Value>): string;
}

/** Turns a syntax tree into closures. Throws `template_invalid` with jinja2's message. */
export function compileTemplate(body: readonly Statement[]): CompiledTemplate {
  const unit = new Unit();
  const scope = Scope.root(unit);
  scope.symbols.statements(body);
  scope.allocate();
  const run = COMPILER.statements(body, scope);
  const resolved = [...unit.resolved].map(([name, { slot }]) => ({ name, slot }));
  const undeclared = new Set(resolved.map(({ name }) => name).filter((name) => !ENVIRONMENT_NAMES.has(name)));
  return {
    undeclared,
    render: (variables, globals) => {
      const frame = new Frame(unit.root.size, undefined);
      for (const { name, slot } of resolved) {
        const value = variables.get(name);
        frame.slots[slot] = value === undefined ? globals.get(name) : value;
      }
      try {
        run(frame);
      } catch (error) {
        throw error instanceof TextError ? error : conversionOf(error);
      }
      return frame.out;
    },
  };
}

/** What the JavaScript engine refused (recursion too deep, a string too long), in Python's words. */
function conversionOf(error: unknown): TextError {
  const isDepth = error instanceof RangeError && /call stack/.test(error.message);
  const message = isDepth ? "maximum recursion depth exceeded" : "";
  return new TextError("template_failed", message, { cause: error });
}
