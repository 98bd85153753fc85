import {
  checkRequestedLengths,
  createChatCollector,
  createChatStreamWriter,
  type BatchChatRequest,
  type ChatRequest,
  type ResponseOptions,
  type ResponseWriter,
} from "@vllm-router/api";
import { checkToolChoice } from "./check-tool-choice.ts";
import { encodeText } from "./encode-prompt.ts";
import { makePlan, shownRequest, type PromptDraft } from "./make-plan.ts";
import type { RequestPlan } from "./plan.ts";
import { renderConversation } from "./render-conversation.ts";
import type { RequestEnvelope } from "./request-envelope.ts";
import { resolvePrompt } from "./resolve-prompt.ts";

/**
 * Makes the plan of a chat request: renders, encodes, resolves sampling, chooses the writer.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareChat(request: ChatRequest, envelope: RequestEnvelope): RequestPlan {
  checkToolChoice(request.toolChoice);
  return planChat([request], [draftChat(request, envelope)], envelope);
}

/**
 * Makes the plan of a request that another API converted to a chat request, and answers in that API's shape.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareConverted(
  request: ChatRequest,
  envelope: RequestEnvelope,
  writer: (options: ResponseOptions<ChatRequest>) => ResponseWriter,
): RequestPlan {
  checkToolChoice(request.toolChoice);
  const draft = draftChat(request, envelope);
  return makePlan(request, [draft], { envelope, writer: writer(responseOptions(request, envelope, 1)) });
}

/** Renders and encodes one conversation and resolves its sampling. @throws ApiError with vLLM's text */
function draftChat(request: ChatRequest, envelope: RequestEnvelope): PromptDraft {
  const { model, settings } = envelope;
  checkRequestedLengths(request, model.maxModelLength);
  const text = renderConversation(request, { model, settings });
  const tokenIds = encodeText(text, request, model);
  return { tokenIds, text, resolved: resolvePrompt(request, tokenIds, { model, settings }) };
}

/** The plan of conversations that share one request's settings: one choice group each. */
function planChat(
  conversations: readonly ChatRequest[],
  drafts: readonly PromptDraft[],
  envelope: RequestEnvelope,
): RequestPlan {
  const [request] = conversations;
  if (request === undefined) {
    throw new RangeError("there is at least one conversation");
  }
  const options = responseOptions(shownRequest(request, drafts), envelope, drafts.length);
  const writer =
    request.stream === true ? createChatStreamWriter(options) : createChatCollector(options, conversations);
  return makePlan(request, drafts, { envelope, writer });
}

function responseOptions(
  request: ChatRequest,
  envelope: RequestEnvelope,
  promptCount: number,
): ResponseOptions<ChatRequest> {
  const { model } = envelope;
  return {
    request,
    identity: {
      id: envelope.responseId,
      created: envelope.created,
      model: model.servedNames[0] ?? "",
      systemFingerprint: model.systemFingerprint,
    },
    settings: envelope.writerSettings,
    promptCount,
  };
}

/**
 * Makes the plan of a batch of conversations: one choice each.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareBatchChat(request: BatchChatRequest, envelope: RequestEnvelope): RequestPlan {
  const drafts = request.conversations.map((conversation) => draftChat(conversation, envelope));
  return planChat(request.conversations, drafts, envelope);
}
