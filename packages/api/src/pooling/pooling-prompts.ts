import type { ApiError } from "../api-error.ts";
import type { JsonValue } from "../json/json-value.ts";
import { readMessages } from "../request/messages.ts";
import type { Issues } from "../validation/issue.ts";
import { isIssues } from "../validation/validator.ts";
import type { PoolingInput } from "./pooling-fields.ts";

/** What is to be pooled, given as texts or token ids. */
export interface InputPrompts {
  readonly kind: "input";
  readonly input: PoolingInput;
  readonly addSpecialTokens: boolean;
}

/** What is to be pooled, given as conversations for the model's template. */
export interface ChatPrompts {
  readonly kind: "chat";
  /** One prompt each. */
  readonly conversations: readonly (readonly JsonValue[])[];
  readonly addSpecialTokens: boolean;
  readonly addGenerationPrompt: boolean;
  readonly continueFinalMessage: boolean;
  readonly chatTemplate: string | null;
  readonly chatTemplateKwargs: ReadonlyMap<string, JsonValue> | null;
  readonly mediaIoKwargs: ReadonlyMap<string, unknown> | null;
  /** Refusal that vLLM finds only while rendering: to be thrown after the checks of the model and the template. */
  readonly lateError: ApiError | undefined;
}

/** Prompts of a pooling request. */
export type PoolingPrompts = InputPrompts | ChatPrompts;

/** Fields that every pooling request has. */
export interface PoolingCommon {
  readonly model: string | null;
  readonly user: string | null;
  readonly truncatePromptTokens: number | bigint | null;
  readonly truncationSide: "left" | "right" | null;
  readonly padding: "max_length" | "do_not_pad" | null;
  /** Null when the client gave none. */
  readonly requestId: string | null;
  readonly priority: number | bigint;
  readonly mmProcessorKwargs: ReadonlyMap<string, JsonValue> | null;
  readonly cacheSalt: string | null;
}

/** How the numbers of an answer are to be written. */
export interface EncodingWish {
  readonly encodingFormat: "float" | "base64" | "bytes" | "bytes_only";
  readonly embedDtype: EmbedDtype;
  readonly endianness: "native" | "big" | "little";
}

/** Formats of one number. */
export type EmbedDtype = "float32" | "float16" | "bfloat16" | "fp8_e4m3" | "fp8_e5m2";

/** The conversations of a chat form, and the fields that say how they are rendered. */
export interface ChatFields {
  readonly addSpecialTokens: boolean;
  readonly addGenerationPrompt: boolean;
  readonly continueFinalMessage: boolean;
  readonly chatTemplate: string | null;
  readonly chatTemplateKwargs: ReadonlyMap<string, JsonValue> | null;
  readonly mediaIoKwargs: ReadonlyMap<string, unknown> | null;
}

/** The chat prompts of validated fields. */
export function chatPrompts(
  fields: ChatFields,
  conversations: readonly (readonly unknown[])[],
): ChatPrompts | Issues {
  const read: (readonly JsonValue[])[] = [];
  let lateError: ApiError | undefined;
  for (const conversation of conversations) {
    const messages = readMessages(conversation, { callsAtOnce: false });
    if (isIssues(messages)) return messages;
    read.push(messages.messages);
    lateError ??= messages.lateError;
  }
  const { addSpecialTokens, addGenerationPrompt, continueFinalMessage } = fields;
  const { chatTemplate, chatTemplateKwargs, mediaIoKwargs } = fields;
  return {
    kind: "chat",
    conversations: read,
    addSpecialTokens,
    addGenerationPrompt,
    continueFinalMessage,
    chatTemplate,
    chatTemplateKwargs,
    mediaIoKwargs,
    lateError,
  };
}

/** The common fields of validated ones. */
export function commonOf(fields: PoolingCommon): PoolingCommon {
  const { model, user, truncatePromptTokens, truncationSide, padding } = fields;
  const { requestId, priority, mmProcessorKwargs, cacheSalt } = fields;
  return {
    model,
    user,
    truncatePromptTokens,
    truncationSide,
    padding,
    requestId,
    priority,
    mmProcessorKwargs,
    cacheSalt,
  };
}

/** The wish for an encoding of validated fields. */
export function encodingOf(fields: EncodingWish): EncodingWish {
  const { encodingFormat, embedDtype, endianness } = fields;
  return { encodingFormat, embedDtype, endianness };
}
