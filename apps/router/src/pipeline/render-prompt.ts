import {
  badRequestError,
  checkPromptLength,
  validationError,
  type GenerationRequest,
} from "@vllm-router/api";
import type { RecurringPrompt } from "@vllm-router/engine-client";
import { renderHarmony, TextError } from "@vllm-router/text";
import { localTime } from "../models/local-clock.ts";
import { encodeConversation } from "./encode-prompt.ts";
import { renderPieces, type Conversation, type RenderContext } from "./render-conversation.ts";

/** A conversation as the model gets it. */
export interface RenderedPrompt {
  readonly text: string;
  readonly tokenIds: Int32Array;
  /** Undefined for one that is not expected again. */
  readonly recurring?: RecurringPrompt | undefined;
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
    const pieces = renderPieces(conversation, context);
    return encodeConversation({ sources: context.sources ?? [], pieces }, conversation, context);
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
 * @param render makes its token ids, given the date that its system message names: `2026-11-27`, or what the flag says
 * @throws ApiError 400 with vLLM's text
 */
export function harmonyPrompt(
  { model }: RenderContext,
  render: (startDate: string) => Int32Array,
): RenderedPrompt {
  const tokenIds = harmonyIds(() => render(model.systemStartDate ?? today()));
  checkPromptLength(tokenIds.length, model.maxModelLength);
  return { text: model.tokenizer.decode(tokenIds, { skipSpecialTokens: false }), tokenIds };
}

function today(): string {
  const { year, month, day } = localTime(new Date());
  return [year, padded(month), padded(day)].join("-");
}

function harmonyIds(render: () => Int32Array): Int32Array {
  try {
    return render();
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
