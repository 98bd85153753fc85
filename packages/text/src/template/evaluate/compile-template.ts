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
  /** The same in pieces: one ends with every item of a loop that is in no other loop and prints straight to the output. */
  renderPieces(variables: ReadonlyMap<string, Value>, globals: ReadonlyMap<string, Value>): readonly string[];
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
  function frameOf(variables: ReadonlyMap<string, Value>, globals: ReadonlyMap<string, Value>): Frame {
    const frame = new Frame(unit.root.size, undefined);
    for (const { name, slot } of resolved) {
      const value = variables.get(name);
      frame.slots[slot] = value === undefined ? globals.get(name) : value;
    }
    return frame;
  }

  return {
    undeclared,
    render: (variables, globals) => {
      const frame = frameOf(variables, globals);
      guarded(() => run(frame));
      return frame.out;
    },
    renderPieces: (variables, globals) => {
      const frame = frameOf(variables, globals);
      const pieces: string[] = [];
      frame.pieces = pieces;
      guarded(() => {
        run(frame);
        frame.endPiece();
        refuseTooLong(pieces);
      });
      return pieces;
    },
  };
}

/** Pieces that cannot be joined are refused as the text of them is. */
function refuseTooLong(pieces: readonly string[]): void {
  let whole = "";
  for (const piece of pieces) whole += piece;
}

function guarded(step: () => void): void {
  try {
    step();
  } catch (error) {
    throw error instanceof TextError ? error : conversionOf(error);
  }
}

/** What the JavaScript engine refused (recursion too deep, a string too long), in Python's words. */
function conversionOf(error: unknown): TextError {
  const isDepth = error instanceof RangeError && /call stack/.test(error.message);
  const message = isDepth ? "maximum recursion depth exceeded" : "";
  return new TextError("template_failed", message, { cause: error });
}
