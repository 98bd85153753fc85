import type { TemplateValue } from "./template-value.ts";

/** The fields of a request, and of the server, that become variables of a template. */
export interface TemplateSettings {
  /** Tools of the request, as objects with `type` and `function`; `undefined` or `null` for none. */
  readonly tools?: readonly TemplateValue[] | null | undefined;
  /** `documents` of the request. */
  readonly documents?: readonly TemplateValue[] | null | undefined;
  /** `add_generation_prompt` of the request. */
  readonly addGenerationPrompt: boolean;
  /** `continue_final_message` of the request. */
  readonly continueFinalMessage: boolean;
  /** `reasoning_effort` of the request. */
  readonly reasoningEffort?: string | null | undefined;
  /** `chat_template_kwargs` of the request. */
  readonly kwargs?: ReadonlyMap<string, TemplateValue> | null | undefined;
  /** `--default-chat-template-kwargs` of the server. */
  readonly defaultKwargs?: ReadonlyMap<string, TemplateValue> | null | undefined;
}

/** Names that `apply_chat_template` takes itself, so that they never reach the template as variables. */
const CONSUMED_NAMES: ReadonlySet<string> = new Set([
  "chat_template",
  "tokenize",
  "conversation",
  "continue_final_message",
  "padding",
  "truncation",
  "max_length",
  "return_tensors",
  "return_dict",
  "return_assistant_tokens_mask",
  "tokenizer_kwargs",
]);

/** Names that reach the template whether or not it declares them. */
const STANDARD_NAMES: ReadonlySet<string> = new Set(["tools", "documents", "add_generation_prompt"]);

/**
 * The template arguments of a request after all merging: the server's defaults, then the request's
 * `chat_template_kwargs`, then the fields of the request. `null` and `"auto"` never override. Reasoning parsers
 * look at these too (`enable_thinking` and its like).
 */
export function effectiveTemplateKwargs(settings: TemplateSettings): ReadonlyMap<string, TemplateValue> {
  const request = new Map<string, TemplateValue>(settings.kwargs ?? []);
  const { reasoningEffort = null } = settings;
  if (reasoningEffort !== null && !request.has("enable_thinking")) {
    request.set("enable_thinking", reasoningEffort !== "none");
  }
  override(request, [
    ["add_generation_prompt", settings.addGenerationPrompt],
    ["continue_final_message", settings.continueFinalMessage],
    ["documents", settings.documents ?? null],
    ["reasoning_effort", reasoningEffort],
  ]);
  const merged = new Map<string, TemplateValue>(settings.defaultKwargs ?? []);
  override(merged, [["tools", settings.tools ?? null]]);
  override(merged, request);
  return merged;
}

function override(
  target: Map<string, TemplateValue>,
  values: Iterable<readonly [string, TemplateValue]>,
): void {
  for (const [name, value] of values) if (value !== null && value !== "auto") target.set(name, value);
}

/** The variables a template gets, without messages, and the two switches among them. */
export interface TemplateVariables {
  readonly variables: Map<string, TemplateValue>;
  readonly addGenerationPrompt: boolean;
  readonly continueFinalMessage: boolean;
}

/** Named special tokens of a tokenizer. */
type SpecialTokens = ReadonlyMap<string, string>;

/** What a template got last in a request that says nothing of its own, and what it was made of. */
interface PlainVariables extends TemplateVariables {
  readonly defaultKwargs: TemplateSettings["defaultKwargs"];
  readonly specialTokens: SpecialTokens;
}

/** By what templates declare, then by the two switches: most requests differ in nothing else. */
const plainVariables = new WeakMap<ReadonlySet<string>, (PlainVariables | undefined)[]>();

/**
 * Chooses from the merged arguments what the template declares or always gets, and adds the special tokens that no argument
 * is named like.
 */
export function templateVariables(
  declared: ReadonlySet<string>,
  settings: TemplateSettings & { readonly specialTokens: SpecialTokens },
): TemplateVariables {
  if (!isPlain(settings)) return chosenVariables(declared, settings, settings.specialTokens);
  const { addGenerationPrompt, continueFinalMessage, defaultKwargs, specialTokens } = settings;
  let known = plainVariables.get(declared);
  if (known === undefined) plainVariables.set(declared, (known = []));
  const at = (addGenerationPrompt ? 1 : 0) + (continueFinalMessage ? 2 : 0);
  let plain = known[at];
  if (plain === undefined || plain.defaultKwargs !== defaultKwargs || plain.specialTokens !== specialTokens) {
    const chosen = chosenVariables(declared, settings, specialTokens);
    plain = known[at] = { ...chosen, defaultKwargs, specialTokens };
  }
  // The caller goes on to fill them.
  return {
    variables: new Map(plain.variables),
    addGenerationPrompt: plain.addGenerationPrompt,
    continueFinalMessage: plain.continueFinalMessage,
  };
}

function isPlain({ tools, documents, kwargs, reasoningEffort }: TemplateSettings): boolean {
  return (
    (tools ?? null) === null &&
    (documents ?? null) === null &&
    (reasoningEffort ?? null) === null &&
    (kwargs?.size ?? 0) === 0
  );
}

function chosenVariables(
  declared: ReadonlySet<string>,
  settings: TemplateSettings,
  specialTokens: SpecialTokens,
): TemplateVariables {
  const merged = effectiveTemplateKwargs(settings);
  const addGenerationPrompt = merged.get("add_generation_prompt") ?? false;
  const variables = new Map<string, TemplateValue>([
    ["tools", null],
    ["documents", null],
    ["add_generation_prompt", false],
  ]);
  for (const [name, value] of merged) {
    if (!CONSUMED_NAMES.has(name) && (declared.has(name) || STANDARD_NAMES.has(name)))
      variables.set(name, value);
  }
  for (const [name, token] of specialTokens) if (!variables.has(name)) variables.set(name, token);
  return {
    variables,
    addGenerationPrompt: addGenerationPrompt === true,
    continueFinalMessage: merged.get("continue_final_message") === true,
  };
}
