import { TextError } from "../text-error.ts";
import { createGlobals } from "./builtins/globals.ts";
import { detectContentFormat, type ContentFormat } from "./content-format.ts";
import { compileTemplate } from "./evaluate/compile-template.ts";
import type { LocalTime } from "./python/strftime.ts";
import { parseTemplate } from "./syntax/statement-parser.ts";
import type { TemplateValue } from "./template-value.ts";

/** A chat template, parsed and compiled. It has no state: one instance serves any number of requests. */
export interface ChatTemplate {
  /** The text it was compiled from. */
  readonly source: string;
  /** Whether messages must be given with joined text or with lists of parts, detected as vLLM does. */
  readonly contentFormat: ContentFormat;
  /** Whether the text names the role `developer`; if not, such messages become system messages. */
  readonly mentionsDeveloperRole: boolean;
  /** Names the template reads without defining them: only these reach it from the request's kwargs. */
  readonly variables: ReadonlySet<string>;
  /** Renders the template. Throws `template_failed` with the message jinja2 or Python would give. */
  render(variables: ReadonlyMap<string, TemplateValue>): string;
  /**
   * What {@link ChatTemplate.render} gives, in pieces that are not empty: one ends with every item of a loop that is in no other loop and
   * in no block whose text goes elsewhere, and a long text that is printed as it is, or added to others, is one. A conversation that has come a message further begins with the pieces it had, if its
   * template goes through the messages in such a loop and prints of each what does not depend on later ones.
   */
  renderPieces(variables: ReadonlyMap<string, TemplateValue>): readonly string[];
}

/** What a template needs from outside. */
export interface ChatTemplateOptions {
  /** The time in the server's zone, for `strftime_now`. */
  readonly clock: () => LocalTime;
}

/**
 * Compiles a chat template with the semantics of the sandboxed jinja2 environment of transformers.
 * Throws `template_invalid` with jinja2's message.
 */
export function compileChatTemplate(source: string, options: ChatTemplateOptions): ChatTemplate {
  const body = guarded(() => parseTemplate(source));
  const compiled = guarded(() => compileTemplate(body));
  const globals = createGlobals(options.clock);
  return {
    source,
    contentFormat: detectContentFormat(body),
    mentionsDeveloperRole: source.includes("'developer'") || source.includes('"developer"'),
    variables: compiled.undeclared,
    render: (variables) => compiled.render(variables, globals),
    renderPieces: (variables) => compiled.renderPieces(variables, globals),
  };
}

/** A template nested too deeply overflows the stack of the parser: that is the template's fault. */
function guarded<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TextError("template_invalid", "maximum recursion depth exceeded", { cause: error });
  }
}
