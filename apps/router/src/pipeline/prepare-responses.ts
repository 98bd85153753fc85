import {
  ApiError,
  badRequestError,
  createHarmonyResponsesWriter,
  createResponsesCollector,
  createResponsesStreamWriter,
  type FinishedResponse,
  samplingOf,
  unfinishedResponse,
  validationError,
  type ChatRequest,
  type ResponsesHistory,
  type ResponsesOptions,
  type ResponsesRequest,
} from "@vllm-router/api";
import type { OptionalField } from "@vllm-router/engine-client";
import { createHarmonyReader } from "@vllm-router/text";
import { requiredFieldsOf, type FieldContext } from "./engine-fields.ts";
import type { RequestPlan } from "./plan.ts";
import { prepareConverted } from "./prepare-chat.ts";
import { randomId } from "./random-id.ts";
import { responsesDraft } from "./responses-draft.ts";
import type { RequestEnvelope } from "./request-envelope.ts";

/** What keeping a response needs of its preparation. */
export interface KeptPreparation {
  readonly messages: ResponsesHistory["messages"];
  unfinished(status: Parameters<typeof unfinishedResponse>[1]): string;
}

/** How a response is to be prepared beside its request. */
export interface ResponsesPreparation {
  readonly history: ResponsesHistory | undefined;
  /** Told what keeping the response needs, once it is prepared; absent where it is not kept. */
  readonly prepared?: (kept: KeptPreparation) => void;
  /** Told of the finished response; absent where it is not kept. */
  readonly finished?: (response: FinishedResponse) => void;
}

/** Fields a request really uses that not every dialect can carry. */
export function responsesRequiredFields(
  request: ResponsesRequest,
  context: FieldContext,
): readonly OptionalField[] {
  return requiredFieldsOf(samplingOf(request), context);
}

/**
 * Makes the plan of a request of the Responses API.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareResponses(
  request: ResponsesRequest,
  envelope: RequestEnvelope,
  preparation: ResponsesPreparation,
): RequestPlan {
  const { maxModelLength } = envelope.model;
  const { chat, render, builtInTools, conversation } = responsesDraft(
    request,
    envelope.model,
    preparation.history,
  );
  checkOutputTokens(request, maxModelLength);
  checkShown(request);
  return prepareConverted(chat, envelope, {
    checksTools: false,
    render,
    builtInTools,
    checkPrompt: (count) => checkPrompt(count, maxModelLength),
    writer: (options, { resolved: { sampling } }) => {
      const shown = { ...sampling, logprobs: shownLogprobs(chat) };
      const { finished } = preparation;
      const responses = conversation === undefined ? request : shownToHarmony(request, options.request);
      const all: ResponsesOptions = { ...options, responses, sampling: shown, randomId, finished };
      preparation.prepared?.({
        messages: chat.messages as KeptPreparation["messages"],
        unfinished: (status) => unfinishedResponse(all, status),
      });
      if (conversation !== undefined) {
        const reader = createHarmonyReader(envelope.model.tokenizer);
        return createHarmonyResponsesWriter(all, { conversation: conversation(), reader });
      }
      return request.stream === true ? createResponsesStreamWriter(all) : createResponsesCollector(all);
    },
  });
}

/** A constraint on what gpt-oss answers is put into its form of answers, and no longer shown. */
function shownToHarmony(request: ResponsesRequest, constrained: ChatRequest): ResponsesRequest {
  return constrained.structuredOutputs === null ? request : { ...request, text: null };
}

function shownLogprobs(chat: ChatRequest): number | undefined {
  return chat.logprobs === true ? Number(chat.topLogprobs) : undefined;
}

/** Fields that the answer repeats and may not be null there, though they may in a request. */
function checkShown(request: ResponsesRequest): void {
  if (request.background === null) {
    throw badRequestError(
      "1 validation error for ResponsesResponse\nbackground\n  Input should be a valid boolean " +
        "[type=bool_type, input_value=None, input_type=NoneType]\n" +
        "    For further information visit https://errors.pydantic.dev/2.14/v/bool_type",
    );
  }
}

/** Refuses more output tokens than the model has room for. @throws ApiError 400 with vLLM's text */
export function checkOutputTokens(request: ResponsesRequest, maxModelLength: number): void {
  const asked = request.maxOutputTokens ?? 0;
  if (asked > maxModelLength) {
    throw validationError(
      `max_output_tokens=${asked} cannot be greater than max_model_len=${maxModelLength}. Please request fewer output tokens.`,
      "max_output_tokens",
      asked,
    );
  }
}

function checkPrompt(tokenCount: number, maxModelLength: number): void {
  if (tokenCount >= maxModelLength) {
    throw new ApiError({
      status: 400,
      type: "invalid_request_error",
      message: `The engine prompt length ${tokenCount} exceeds the max_model_len ${maxModelLength}. Please reduce prompt.`,
      param: "input",
    });
  }
}
