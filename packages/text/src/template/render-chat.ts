import { TextError } from "../text-error.ts";
import type { ChatTemplate } from "./chat-template.ts";
import type { TemplateObject } from "./content-parts.ts";
import { strip } from "./python/whitespace.ts";
import { templateVariables, type TemplateSettings } from "./template-kwargs.ts";
import type { TemplateValue } from "./template-value.ts";

/** One conversation to render. */
export interface ChatRenderRequest extends TemplateSettings {
  /** Messages as `normalizeMessages` returns them. */
  readonly messages: readonly TemplateValue[];
  /** Named special tokens of the tokenizer (`bos_token` and so on): variables of every template. */
  readonly specialTokens: ReadonlyMap<string, string>;
}

/** The mark that vLLM's template library appends to the message to be continued, to find its end again. */
const CONTINUE_MARK = "CONTINUE_FINAL_MESSAGE_TAG ";

/**
 * Renders a conversation into the prompt, as `apply_chat_template` does within vLLM. Throws `template_failed`
 * with the message vLLM would answer.
 */
export function renderChat(template: ChatTemplate, request: ChatRenderRequest): string {
  return textOf(template, prepare(template, request));
}

/**
 * The prompt that {@link renderChat} gives, in the pieces of {@link ChatTemplate.renderPieces}; one that continues its final message
 * is one piece.
 */
export function renderChatPieces(template: ChatTemplate, request: ChatRenderRequest): readonly string[] {
  const prepared = prepare(template, request);
  if (prepared.continued === undefined) return template.renderPieces(prepared.variables);
  const text = textOf(template, prepared);
  return text === "" ? [] : [text];
}

/** What a template is given. */
interface PreparedChat {
  readonly variables: ReadonlyMap<string, TemplateValue>;
  /** The final message's text, without the mark that the variables have there, when it is to be continued. */
  readonly continued: string | undefined;
}

function prepare(template: ChatTemplate, request: ChatRenderRequest): PreparedChat {
  if (request.messages.length === 0) {
    return fail("Cannot apply chat template to an empty conversation. Provide at least one message.");
  }
  const { variables, addGenerationPrompt, continueFinalMessage } = templateVariables(
    template.variables,
    request,
  );
  if (continueFinalMessage && addGenerationPrompt) {
    return fail(
      "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message when you want the model to continue the final message, and add_generation_prompt when you want to add a header that will prompt it to start a new assistant message instead.",
    );
  }
  checkTools(variables.get("tools") ?? null);
  checkDocuments(variables.get("documents") ?? null);
  const marked = continueFinalMessage ? markFinalMessage(template, request.messages) : undefined;
  if (variables.has("messages")) {
    return fail("jinja2.environment.Template.render() got multiple values for keyword argument 'messages'");
  }
  variables.set("messages", marked?.messages ?? request.messages);
  return { variables, continued: marked?.finalText };
}

function textOf(template: ChatTemplate, { variables, continued }: PreparedChat): string {
  const rendered = template.render(variables);
  return continued === undefined ? rendered : cutAtMark(rendered, continued);
}

function checkTools(tools: TemplateValue): void {
  if (!Array.isArray(tools)) return;
  if ((tools as readonly TemplateValue[]).every((tool) => tool instanceof Map)) return;
  fail(
    "Tools should either be a JSON schema, or a callable function with type hints and a docstring suitable for auto-conversion to a schema.",
  );
}

function checkDocuments(documents: TemplateValue): void {
  if (!Array.isArray(documents)) return;
  if ((documents as readonly TemplateValue[]).every((document) => document instanceof Map)) return;
  fail("Documents should be a list of dicts with 'title' and 'text' keys!");
}

interface MarkedConversation {
  readonly messages: readonly TemplateValue[];
  /** The text that is to be continued, without the mark. */
  readonly finalText: string;
}

function markFinalMessage(template: ChatTemplate, messages: readonly TemplateValue[]): MarkedConversation {
  const last = messages.at(-1) as TemplateObject;
  const content = last.get("content") ?? null;
  if (content === null) {
    return fail('continue_final_message is set but the final message has no "content" to continue!');
  }
  if (!template.source.includes("content")) {
    return fail(
      'continue_final_message is set to "content" but this is not an accepted field in the chat_template',
    );
  }
  const marked = markContent(content);
  const message = new Map([...last, ["content", marked.content] as const]);
  return { messages: [...messages.slice(0, -1), message], finalText: marked.text };
}

function markContent(content: TemplateValue): { readonly content: TemplateValue; readonly text: string } {
  if (typeof content === "string") return { content: content + CONTINUE_MARK, text: content };
  const parts = Array.isArray(content) ? (content as readonly TemplateObject[]) : [];
  const index = parts.findLastIndex((part) => part.has("text"));
  const part = parts[index];
  const text = part?.get("text");
  if (part === undefined || typeof text !== "string") {
    return fail(
      "continue_final_message is set but we could not find any text to continue in the final message!",
    );
  }
  const marked = new Map([...part, ["text", text + CONTINUE_MARK] as const]);
  return { content: parts.with(index, marked), text };
}

function cutAtMark(rendered: string, finalText: string): string {
  const bareMark = CONTINUE_MARK.trimEnd();
  const position = rendered.lastIndexOf(bareMark);
  const wanted = strip(finalText, "both");
  if (position === -1 || !rendered.includes(wanted)) {
    return fail(
      "continue_final_message is set but the final message does not appear in the chat after applying the chat template! This can happen if the chat template deletes portions of the final message. Please verify the chat template and final message in your chat to ensure they are compatible." +
        `Final message to continue: ${wanted}\nRendered chat:\n${rendered}`,
    );
  }
  const kept = rendered.slice(0, position);
  // Where the template has trimmed the message, the space at its end goes too.
  return rendered.startsWith(CONTINUE_MARK, position) ? kept : strip(kept, "right");
}

function fail(message: string): never {
  throw new TextError("template_failed", message);
}
