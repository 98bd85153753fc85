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
  type JsonValue,
  type ResponseOptions,
  type ResponsesHistory,
  type ResponsesOptions,
  type ResponsesRequest,
} from "@vllm-router/api";
import type { OptionalField } from "@vllm-router/engine-client";
import { createHarmonyReader } from "@vllm-router/text";
import { requiredFieldsOf, type FieldContext } from "./engine-fields.ts";
import { changedParser } from "./changed-parser.ts";
import type { PromptDraft } from "./make-plan.ts";
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
    isResponses: true,
    checkPrompt: (count) => checkPrompt(count, maxModelLength),
    writer: (options, draft) => {
      const { sampling } = draft.resolved;
      const shown = { ...sampling, logprobs: shownLogprobs(chat) };
      const { finished } = preparation;
      const parserOf = isHeardOnlyStreamed(request)
        ? withoutCalls(options, { draft, envelope })
        : options.parserOf;
      const responses =
        conversation === undefined
          ? shownFormat(request, chat, options.request)
          : shownToHarmony(request, options.request);
      const all: ResponsesOptions = { ...options, parserOf, responses, sampling: shown, randomId, finished };
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

/** A choice of tools that vLLM knows to read no calls by in a whole answer, though it tells of them in streams. */
function isHeardOnlyStreamed({ stream, toolChoice }: ResponsesRequest): boolean {
  const type = toolChoice instanceof Map ? toolChoice.get("type") : undefined;
  return stream !== true && type !== undefined && type !== "function" && type !== "custom";
}

/** Parsers of answers whose calls stay text. */
function withoutCalls(
  options: ResponseOptions<ChatRequest>,
  made: { readonly draft: PromptDraft; readonly envelope: RequestEnvelope },
): ResponseOptions<ChatRequest>["parserOf"] {
  const { selection } = made.envelope.model.parsers;
  if (selection === undefined || selection.whole !== undefined) {
    return options.parserOf;
  }
  return selection.reasoning === undefined
    ? undefined
    : changedParser(options, made, { selection: { ...selection, tool: undefined } });
}

/** The schema by which vLLM forces calls stands where the request's own format would. */
function shownFormat(
  request: ResponsesRequest,
  asked: ChatRequest,
  constrained: ChatRequest,
): ResponsesRequest {
  const schema = constrained.structuredOutputs?.get("json");
  if (schema === undefined || constrained.structuredOutputs === asked.structuredOutputs) {
    return request;
  }
  const format = new Map<string, JsonValue>([
    ["name", "tool_calling_response"],
    ["schema", schema],
    ["type", "json_schema"],
    ["description", null],
    ["strict", true],
  ]);
  const text = new Map<string, JsonValue>([
    ["format", format],
    ["verbosity", null],
  ]);
  return { ...request, text };
}

/** Fields that the answer repeats and may not be null there, though they may in a request. */
function checkShown(request: ResponsesRequest): void {
  const found = [
    ...(request.background === null ? [["background", "a valid boolean", "bool_type"]] : []),
    ...(request.truncation === null ? [["truncation", "'auto' or 'disabled'", "literal_error"]] : []),
  ];
  if (found.length > 0) {
    const findings = found.map(
      ([field = "", expected = "", type = ""]) =>
        `\n${field}\n  Input should be ${expected} [type=${type}, input_value=None, input_type=NoneType]\n` +
        `    For further information visit https://errors.pydantic.dev/2.14/v/${type}`,
    );
    const count = found.length === 1 ? "1 validation error" : `${found.length} validation errors`;
    throw badRequestError(`${count} for ResponsesResponse${findings.join("")}`);
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
