import {
  ApiError,
  badRequestError,
  checkRequestedLengths,
  completionPrompts,
  draftSampling,
  generateRequestText,
  messagesToChat,
  type ChatRequest,
  type CompletionRequest,
  type GenerationRequest,
  type JsonObject,
  type MessagesRequest,
  type ResponsesRequest,
} from "@vllm-router/api";
import { messagesConversion } from "./messages-conversion.ts";
import { checkToolChoice } from "./check-tool-choice.ts";
import { draftChat, type ChatDraft } from "./prepare-chat.ts";
import { encodeGiven, refuseSuffix } from "./prepare-completion.ts";
import { parserContext } from "./parser-context.ts";
import { responsesDraft } from "./responses-draft.ts";
import { samplingContextOf } from "./resolve-prompt.ts";
import { tokenOffsets } from "./token-offsets.ts";
import { checkOutputTokens } from "./prepare-responses.ts";
import type { RequestEnvelope } from "./request-envelope.ts";

/** vLLM's own default of `--cohere-format`, which it puts among every model's template arguments. */
const COHERE_FORMAT = "cmd4";

/** A chat request as the body of `/inference/v1/generate` that would answer it. @throws ApiError with vLLM's text */
export function renderChatRequest(request: ChatRequest, envelope: RequestEnvelope): string {
  refuseBeams(request);
  checkToolChoice(request.toolChoice, envelope.model.parsers);
  return chatText(draftChat(request, envelope), envelope, {});
}

/** The same of a request of the Messages API. @throws ApiError with vLLM's text */
export function renderMessagesRequest(request: MessagesRequest, envelope: RequestEnvelope): string {
  const conversion = messagesConversion(envelope, envelope.created);
  return renderChatRequest(
    messagesToChat(request, { ...conversion, disabledThinkingEffort: "none" }),
    envelope,
  );
}

/** The same of a request of the Responses API. @throws ApiError with vLLM's text */
export function renderResponsesRequest(request: ResponsesRequest, envelope: RequestEnvelope): string {
  if (request.previousResponseId !== null) {
    throw new ApiError({
      status: 400,
      type: "invalid_request_error",
      message: "previous_response_id is not supported by the stateless render endpoint.",
      param: "previous_response_id",
    });
  }
  const { chat, render, builtInTools } = responsesDraft(request, envelope.model, undefined);
  checkOutputTokens(request, envelope.model.maxModelLength);
  const draft = draftChat(chat, envelope, { render, builtInTools, isResponses: true });
  return chatText(draft, envelope, {
    transferParams: {
      kv: request.kvTransferParams as JsonObject | null,
      ec: request.ecTransferParams as JsonObject | null,
    },
  });
}

/** The prompts of a completion request, each as a body of `/inference/v1/generate`. @throws ApiError with vLLM's text */
export function renderCompletionRequest(request: CompletionRequest, envelope: RequestEnvelope): string {
  refuseBeams(request);
  refuseSuffix(request);
  checkRequestedLengths(request, envelope.model.maxModelLength);
  const prompts = completionPrompts(request).map((prompt) => encodeGiven(prompt, request, envelope));
  const texts = prompts.map(({ tokenIds, wideIds, text }, index) =>
    promptText(request, envelope, {
      requestId: prompts.length === 1 ? envelope.responseId : `${envelope.responseId}-${index}`,
      tokenIds,
      wideIds,
      text,
      reasoningEnded: null,
      templateKwargs: null,
    }),
  );
  return `[${texts.join(",")}]`;
}

interface PromptParts {
  readonly requestId: string;
  readonly tokenIds: Int32Array;
  /** The ids as they were given, where some have no place in `tokenIds`: this route repeats them unread. */
  readonly wideIds?: readonly (number | bigint)[] | undefined;
  readonly text: string | undefined;
  readonly reasoningEnded: boolean | null;
  readonly templateKwargs: JsonObject | null;
  readonly transferParams?: { readonly kv: JsonObject | null; readonly ec: JsonObject | null };
}

function refuseBeams(request: GenerationRequest): void {
  if (request.useBeamSearch) {
    throw badRequestError("Beam search is not supported by the render endpoint");
  }
}

function chatText(
  draft: ChatDraft,
  envelope: RequestEnvelope,
  rest: Pick<PromptParts, "transferParams">,
): string {
  const { request, tokenIds, text, makeParser } = draft;
  const endsReasoning = makeParser?.().promptEndsReasoning;
  const isResponses = rest.transferParams !== undefined;
  const ended = request.includeReasoning ? (endsReasoning ?? null) : true;
  return promptText(request, envelope, {
    ...rest,
    requestId: envelope.responseId,
    tokenIds,
    text,
    reasoningEnded: isResponses ? null : ended,
    templateKwargs: endsReasoning === undefined ? null : templateKwargs(request, tokenIds, envelope),
  });
}

function templateKwargs(request: ChatRequest, tokenIds: Int32Array, envelope: RequestEnvelope): JsonObject {
  const kwargs = parserContext(request, tokenIds, envelope).templateKwargs;
  return new Map([["cohere_format", COHERE_FORMAT], ...kwargs]) as JsonObject;
}

function promptText(request: GenerationRequest, envelope: RequestEnvelope, parts: PromptParts): string {
  if (parts.tokenIds.length === 0) {
    throw badRequestError("No token_ids rendered");
  }
  const draft = draftSampling(request, samplingContextOf(parts.tokenIds.length, envelope));
  const offsets =
    request.returnTokenOffsets === true && parts.text !== undefined
      ? tokenOffsets(envelope.model.tokenizer, parts.tokenIds)
      : null;
  return generateRequestText(
    { ...parts, tokenIds: parts.wideIds ?? parts.tokenIds, model: request.model, offsets },
    draft,
    request,
  );
}
