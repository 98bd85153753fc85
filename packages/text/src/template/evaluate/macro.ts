import { fail } from "../python/failure.ts";
import { reprString } from "../python/repr-string.ts";
import { Undefined } from "../python/undefined.ts";
import { PythonObject, Tuple, type Callable, type KeywordArguments, type Value } from "../python/value.ts";

/** What a macro takes besides its declared parameters, because its body mentions them. */
export interface MacroExtras {
  readonly caller: boolean;
  readonly kwargs: boolean;
  readonly varargs: boolean;
}

/** The parts of a macro that do not change between calls. */
export interface MacroDefinition {
  /** Name; `undefined` for a call block. */
  readonly name: string | undefined;
  readonly parameters: readonly string[];
  readonly extras: MacroExtras;
}

/** Runs a macro: declared arguments (`undefined` where not given), then caller, kwargs, varargs where taken. */
export type MacroBody = (bound: readonly (Value | undefined)[]) => string;

/** A macro, or the body of a call block. */
export class Macro extends PythonObject {
  readonly typeName = "Macro";
  private readonly definition: MacroDefinition;
  private readonly body: MacroBody;

  constructor(definition: MacroDefinition, body: MacroBody) {
    super();
    this.definition = definition;
    this.body = body;
  }

  override get qualifiedTypeName(): string {
    return "jinja2.runtime.Macro";
  }

  override attribute(name: string): Value | undefined {
    const { parameters, extras } = this.definition;
    switch (name) {
      case "name":
        return this.definition.name ?? null;
      case "arguments":
        return new Tuple(parameters);
      case "caller":
        return extras.caller;
      case "catch_kwargs":
        return extras.kwargs;
      case "catch_varargs":
        return extras.varargs;
      default:
        return undefined;
    }
  }

  override get callable(): Callable {
    return (positional, keyword) => this.call(positional, keyword);
  }

  /** Binds the arguments as jinja2 does, and renders the body. */
  call(positional: readonly Value[], keyword: KeywordArguments): string {
    const { parameters, extras } = this.definition;
    if (keyword.size === 0 && !extras.caller && !extras.kwargs && !extras.varargs) {
      if (positional.length > parameters.length) this.tooMany();
      return this.body(positional);
    }
    return this.body(this.bind(positional, new Map(keyword)));
  }

  private bind(positional: readonly Value[], keyword: Map<string, Value>): (Value | undefined)[] {
    const { parameters, extras } = this.definition;
    const bound: (Value | undefined)[] = positional.slice(0, parameters.length);
    let foundCaller = bound.length === parameters.length && parameters.includes("caller");
    for (const name of parameters.slice(bound.length)) {
      bound.push(keyword.get(name));
      keyword.delete(name);
      if (name === "caller") foundCaller = true;
    }
    if (extras.caller && !foundCaller) {
      bound.push(keyword.get("caller") ?? new Undefined({ hint: "No caller defined", name: "caller" }));
      keyword.delete("caller");
    }
    if (extras.kwargs) bound.push(keyword);
    else if (keyword.size > 0) this.unknownKeyword(keyword);
    if (extras.varargs) bound.push(new Tuple(positional.slice(parameters.length)));
    else if (positional.length > parameters.length) this.tooMany();
    return bound;
  }

  private get label(): string {
    return this.definition.name === undefined ? "None" : reprString(this.definition.name);
  }

  private unknownKeyword(keyword: KeywordArguments): never {
    if (keyword.has("caller")) {
      return fail(
        `macro ${this.label} was invoked with two values for the special caller argument. This is most likely a bug.`,
      );
    }
    const [first = ""] = keyword.keys();
    return fail(`macro ${this.label} takes no keyword argument ${reprString(first)}`);
  }

  private tooMany(): never {
    return fail(`macro ${this.label} takes not more than ${this.definition.parameters.length} argument(s)`);
  }

  override repr(): string {
    return `<Macro ${this.definition.name === undefined ? "anonymous" : this.label}>`;
  }
}
