import {
  type ChatRequest,
  notImplementedError,
  type TokenizeChatRequest,
  unsupportedFieldError,
} from "@vllm-router/api";
import {
  type ChatTemplate,
  chatTemplateSource,
  compileChatTemplate,
  NO_CHAT_TEMPLATE_MESSAGE,
  normalizeMessages,
  renderChat,
  type TemplateValue,
} from "@vllm-router/text";
import type { Clock } from "./clock.ts";
import type { ModelFiles } from "./model-files.ts";
import type { Tokenizer } from "@vllm-router/text";

/** Turns conversations into prompts with the template of a model. */
export interface ChatPrompts {
  /**
   * The prompt of a chat or tokenize request.
   * @throws ApiError for what the HTTP face does not do; TextError `template_failed`
   */
  render(request: ChatRequest | TokenizeChatRequest): string;
}

/** Compiles the model's template when it is first needed. */
export function createChatPrompts(files: ModelFiles, tokenizer: Tokenizer, clock: Clock): ChatPrompts {
  let template: ChatTemplate | undefined;
  const compile = (): ChatTemplate => {
    const source = chatTemplateSource(
      { chatTemplateFile: files.chatTemplate, configTemplate: files.tokenizerConfig["chat_template"] },
      false,
    );
    if (source === undefined) throw notImplementedError(NO_CHAT_TEMPLATE_MESSAGE);
    return compileChatTemplate(source, { clock: () => localTime(clock) });
  };
  return {
    render(request) {
      if (request.lateError !== undefined) throw request.lateError;
      for (const field of ["tools", "chatTemplate", "mmProcessorKwargs"] as const) {
        if (request[field] !== null) throw unsupportedFieldError(field);
      }
      template ??= compile();
      return renderChat(template, {
        messages: normalizeMessages(request.messages as readonly TemplateValue[], {
          contentFormat: template.contentFormat,
          keepsDeveloperRole: template.mentionsDeveloperRole,
        }),
        specialTokens: tokenizer.specialTokens,
        addGenerationPrompt: request.addGenerationPrompt,
        continueFinalMessage: request.continueFinalMessage,
        kwargs: request.chatTemplateKwargs as ReadonlyMap<string, TemplateValue> | null,
      });
    },
  };
}

function localTime(
  clock: Clock,
): Parameters<typeof compileChatTemplate>[1]["clock"] extends () => infer T ? T : never {
  const date = new Date(clock.epochMs());
  return {
    year: date.getFullYear(),
    month: date.getMonth() + 1,
    day: date.getDate(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
    microsecond: date.getMilliseconds() * 1000,
  };
}
