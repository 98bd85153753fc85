import { TextError } from "../text-error.ts";
import type { TemplateValue } from "./template-value.ts";

/** Where the templates of a model can stand. */
export interface TemplateFiles {
  /** Text of `chat_template.jinja`. */
  readonly chatTemplateFile?: string | undefined;
  /** Texts of `additional_chat_templates/NAME.jinja` by name. */
  readonly additionalTemplates?: ReadonlyMap<string, string> | undefined;
  /**
   * Value of `chat_template` in `tokenizer_config.json`: a text, or a list of objects with `name` and
   * `template`. Objects may be `Map`s or plain ones.
   */
  readonly configTemplate?: unknown;
}

/** What vLLM answers when a model has no chat template. */
export const NO_CHAT_TEMPLATE_MESSAGE =
  "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the tokenizer does not define one.";

/**
 * Chooses the text of the chat template as vLLM does: with tools the template named `tool_use` is preferred.
 * `requested` is a template that was asked for explicitly, as text or as the name of one of the model's.
 * `undefined` when the model has none (see {@link NO_CHAT_TEMPLATE_MESSAGE}).
 */
export function chatTemplateSource(
  files: TemplateFiles,
  hasTools: boolean,
  requested?: string,
): string | undefined {
  const templates = templatesByName(files);
  if (typeof templates === "string" || templates === undefined) return requested ?? templates;
  if (requested !== undefined) return templates.get(requested) ?? requested;
  return (hasTools ? templates.get("tool_use") : undefined) ?? templates.get("default");
}

function templatesByName(files: TemplateFiles): string | ReadonlyMap<string, string> | undefined {
  const { chatTemplateFile, additionalTemplates, configTemplate } = files;
  if (additionalTemplates !== undefined && additionalTemplates.size > 0) {
    const named = new Map(additionalTemplates);
    if (chatTemplateFile !== undefined) named.set("default", chatTemplateFile);
    return named;
  }
  if (chatTemplateFile !== undefined) return chatTemplateFile;
  if (configTemplate === undefined || configTemplate === null) return undefined;
  if (typeof configTemplate === "string") return configTemplate;
  return namedTemplates(configTemplate);
}

function namedTemplates(value: unknown): ReadonlyMap<string, string> {
  const entries = Array.isArray(value) ? (value as readonly unknown[]) : [];
  const named = new Map<string, string>();
  for (const entry of entries) {
    const name = field(entry, "name");
    const template = field(entry, "template");
    if (typeof name === "string" && typeof template === "string") named.set(name, template);
  }
  if (named.size === 0) {
    throw new TextError(
      "template_invalid",
      "chat_template in tokenizer_config.json is neither text nor a list of named templates",
    );
  }
  return named;
}

function field(object: unknown, key: string): unknown {
  if (object instanceof Map) return object.get(key) as unknown;
  return typeof object === "object" && object !== null ? (object as Record<string, unknown>)[key] : undefined;
}

const STANDARD_TOKENS = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
];

/**
 * The named special tokens of a `tokenizer_config.json`, as templates see them: the standard ones, every other
 * key that ends in `_token`, and the entries of `extra_special_tokens` where that is an object.
 */
export function specialTokensOf(config: ReadonlyMap<string, TemplateValue>): ReadonlyMap<string, string> {
  const tokens = new Map<string, string>();
  const add = (name: string, value: TemplateValue): void => {
    const text = value instanceof Map ? (value as ReadonlyMap<string, TemplateValue>).get("content") : value;
    if (typeof text === "string") tokens.set(name, text);
  };
  for (const name of STANDARD_TOKENS) add(name, config.get(name) ?? null);
  for (const [name, value] of config) if (name.endsWith("_token") && !tokens.has(name)) add(name, value);
  const extra = config.get("extra_special_tokens") ?? config.get("model_specific_special_tokens");
  if (extra instanceof Map)
    for (const [name, value] of extra as ReadonlyMap<string, TemplateValue>) add(name, value);
  return tokens;
}
