import { badRequestError, checkMediaArguments, type ApiError, type MediaArguments } from "@vllm-router/api";
import {
  compileChatTemplate,
  NO_CHAT_TEMPLATE_MESSAGE,
  normalizeMessages,
  renderChatPieces,
  TextError,
  type ChatTemplate,
  type TemplateValue,
} from "@vllm-router/text";
import { localTime } from "../models/local-clock.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { PrepareSettings } from "./prepare-settings.ts";
import type { RequestEnvelope } from "./request-envelope.ts";

/** The parts of a request that a chat template sees. */
export interface Conversation extends MediaArguments {
  readonly messages: readonly TemplateValue[];
  /** Refusal found only while rendering. */
  readonly lateError: ApiError | undefined;
  readonly tools: readonly TemplateValue[] | null;
  readonly documents: readonly TemplateValue[] | null;
  readonly chatTemplate: string | null;
  readonly chatTemplateKwargs: ReadonlyMap<string, TemplateValue> | null;
  readonly addGenerationPrompt: boolean;
  readonly continueFinalMessage: boolean;
  readonly reasoningEffort: string | null;
  /** True where the keys of calls stand as a template is to see them; by default they are put in vLLM's order for chats. */
  readonly keepsCallOrder?: boolean;
}

/** What a conversation is rendered with. */
export interface RenderContext {
  readonly model: ModelRuntime;
  readonly settings: PrepareSettings;
  /** See {@link RequestEnvelope.sources}. */
  readonly sources?: RequestEnvelope["sources"];
}

const UNTRUSTED_TEMPLATE =
  "Chat template is passed with request, but --trust-request-chat-template is not set. Refused request with untrusted chat template.";

/**
 * Refuses what only a trusted client may bring: a template of its own, arguments of media readers.
 * @throws ApiError 400 with vLLM's text
 */
export function checkTrusted(
  conversation: Pick<Conversation, "chatTemplate" | "chatTemplateKwargs" | keyof MediaArguments>,
  settings: PrepareSettings,
): void {
  const given = conversation.chatTemplate ?? conversation.chatTemplateKwargs?.get("chat_template") ?? null;
  if (!settings.trustRequestChatTemplate && given !== null) {
    throw badRequestError(UNTRUSTED_TEMPLATE);
  }
  checkMediaArguments(conversation, false);
}

/**
 * Renders a conversation to the prompt's text.
 * @throws ApiError 400 with vLLM's text: untrusted template, bad content parts, template errors
 */
export function renderConversation(conversation: Conversation, context: RenderContext): string {
  return renderPieces(conversation, context).join("");
}

/**
 * The text of {@link renderConversation}, in pieces that mostly end where a message does.
 * @throws ApiError as it does
 */
export function renderPieces(conversation: Conversation, context: RenderContext): readonly string[] {
  const { model, settings } = context;
  const kwargs = conversation.chatTemplateKwargs;
  checkTrusted(conversation, settings);
  if (conversation.lateError !== undefined) {
    throw conversation.lateError;
  }
  // Without a role a message was valid as one of Harmony's: an object that vLLM's renderer cannot look into.
  if (conversation.messages.some((message) => message instanceof Map && !message.has("role"))) {
    throw badRequestError("'Message' object is not subscriptable");
  }
  try {
    const template = templateFor(conversation, context);
    const messages = normalizeMessages(conversation.messages, {
      contentFormat:
        settings.contentFormat === "auto" ? (template?.contentFormat ?? "string") : settings.contentFormat,
      keepsDeveloperRole: template?.mentionsDeveloperRole ?? false,
      modelName: model.servedNames[0] ?? model.root,
      keepsCallOrder: conversation.keepsCallOrder ?? false,
    });
    if (template === undefined) {
      throw badRequestError(NO_CHAT_TEMPLATE_MESSAGE);
    }
    return renderChatPieces(template, {
      messages,
      tools: conversation.tools,
      documents: conversation.documents,
      addGenerationPrompt: conversation.addGenerationPrompt,
      continueFinalMessage: conversation.continueFinalMessage,
      reasoningEffort: conversation.reasoningEffort,
      defaultKwargs: settings.defaultChatTemplateKwargs,
      kwargs: kwargs ?? new Map<string, TemplateValue>(),
      specialTokens: model.tokenizer.specialTokens,
    });
  } catch (error) {
    if (error instanceof TextError) {
      throw badRequestError(error.message, error.parameter ?? null);
    }
    throw error;
  }
}

function templateFor(conversation: Conversation, context: RenderContext): ChatTemplate | undefined {
  if (conversation.chatTemplate !== null) {
    return compileChatTemplate(conversation.chatTemplate, { clock: () => localTime(new Date()) });
  }
  const hasTools = conversation.tools !== null && conversation.tools.length > 0;
  return hasTools ? context.model.toolTemplate : context.model.chatTemplate;
}
