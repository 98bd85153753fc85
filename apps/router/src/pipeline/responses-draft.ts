import {
  harmonyConversation,
  responsesToChat,
  responsesToHarmonyChat,
  toolsOf,
  type ChatRequest,
  type HarmonyEntry,
  type ResponsesHistory,
  type ResponsesRequest,
} from "@vllm-router/api";
import { harmonyPreamble, instructionsText, renderHarmonyTurns } from "@vllm-router/text";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { RenderPrompt } from "./prepare-chat.ts";
import { harmonyPrompt, renderPrompt } from "./render-prompt.ts";

const FORMS = { preamble: harmonyPreamble, instructionsText };

/** A request of the Responses API on its way to a prompt. */
export interface ResponsesDraft {
  /** The chat request that samples alike; with gpt-oss it has no messages. */
  readonly chat: ChatRequest;
  readonly render: RenderPrompt;
  readonly builtInTools: boolean;
  /** The conversation with gpt-oss, once it is rendered; undefined with other models. */
  readonly conversation: (() => readonly HarmonyEntry[]) | undefined;
}

/**
 * Says how a request of the Responses API becomes a prompt: by the model's template, or in Harmony for gpt-oss.
 * @throws ApiError with vLLM's text for input it cannot use
 */
export function responsesDraft(
  request: ResponsesRequest,
  model: ModelRuntime,
  history: ResponsesHistory | undefined,
): ResponsesDraft {
  if (!model.parsers.harmony) {
    return {
      chat: responsesToChat(request, history),
      // No request model of vLLM reads these messages, so none puts their keys in order.
      render: (conversation, context) => renderPrompt({ ...conversation, keepsCallOrder: true }, context),
      builtInTools: false,
      conversation: undefined,
    };
  }
  let entries: readonly HarmonyEntry[] = [];
  return {
    chat: responsesToHarmonyChat(request),
    render: (_, context) =>
      harmonyPrompt(context, (startDate) => {
        entries = harmonyConversation(request, { history: history?.harmony, startDate, forms: FORMS });
        return renderHarmonyTurns(entries, model.tokenizer);
      }),
    builtInTools: toolsOf(request).some((tool) => tool.get("type") !== "function"),
    conversation: () => entries,
  };
}
