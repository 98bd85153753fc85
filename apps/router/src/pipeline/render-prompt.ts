import {
  badRequestError,
  checkPromptLength,
  validationError,
  type GenerationRequest,
} from "@vllm-router/api";
import { renderHarmony, TextError } from "@vllm-router/text";
import { localTime } from "../models/local-clock.ts";
import { encodeText } from "./encode-prompt.ts";
import { renderConversation, type Conversation, type RenderContext } from "./render-conversation.ts";

/** A conversation as the model gets it. */
export interface RenderedPrompt {
  readonly text: string;
  readonly tokenIds: Int32Array;
}

/**
 * Renders and encodes a conversation: by the model's template, or in Harmony for gpt-oss, which has no text of its own and
 * is never truncated.
 * @throws ApiError 400 with vLLM's text
 */
export function renderPrompt(
  conversation: Conversation & GenerationRequest,
  context: RenderContext,
): RenderedPrompt {
  const { model } = context;
  if (!model.parsers.harmony) {
    const text = renderConversation(conversation, context);
    return { text, tokenIds: encodeText(text, conversation, model) };
  }
  if (conversation.lateError !== undefined) {
    throw conversation.lateError;
  }
  const { messages, tools, reasoningEffort } = conversation;
  return harmonyPrompt(context, (startDate) =>
    renderHarmony({ messages, tools, reasoningEffort, startDate }, model.tokenizer),
  );
}

/**
 * A conversation in Harmony as a prompt.
 * @param render makes its token ids of the day, `2026-11-27`
 * @throws ApiError 400 with vLLM's text
 */
export function harmonyPrompt(
  { model }: RenderContext,
  render: (startDate: string) => Int32Array,
): RenderedPrompt {
  const tokenIds = harmonyIds(render);
  checkPromptLength(tokenIds.length, model.maxModelLength);
  return { text: model.tokenizer.decode(tokenIds, { skipSpecialTokens: false }), tokenIds };
}

function harmonyIds(render: (startDate: string) => Int32Array): Int32Array {
  const { year, month, day } = localTime(new Date());
  try {
    return render([year, padded(month), padded(day)].join("-"));
  } catch (error) {
    if (error instanceof TextError) {
      throw error.parameter === undefined
        ? badRequestError(error.message)
        : validationError(error.message, error.parameter);
    }
    throw error;
  }
}

function padded(number: number): string {
  return String(number).padStart(2, "0");
}
