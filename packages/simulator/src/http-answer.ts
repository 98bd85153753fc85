import type { IncomingMessage, ServerResponse } from "node:http";
import {
  ApiError,
  carriedFields,
  type ChatRequest,
  checkPromptLength,
  checkRequestedLengths,
  type CompletionRequest,
  createChatCollector,
  createChatStreamWriter,
  createCompletionCollector,
  createCompletionStreamWriter,
  errorBody,
  internalError,
  type JsonValue,
  modelNotFoundError,
  parseChatRequest,
  parseCompletionRequest,
  resolveSampling,
  SSE_DONE,
  sseEvent,
  streamErrorBody,
  writeJson,
  type ResponseOptions,
  type ResponseWriter,
  unsupportedFieldError,
} from "@vllm-router/api";
import type { ChatPrompts } from "./chat-template.ts";
import type { Clock } from "./clock.ts";
import type { Engine } from "./engine.ts";
import type { Faults } from "./faults.ts";
import { imitatedVersion } from "./engine-service.ts";
import { GrpcStatusError } from "./grpc-status.ts";
import type { KvConnectorSide } from "./kv-connector-side.ts";
import type { NamedKvEventSource } from "./kv-event-sources.ts";
import { HttpGeneration, type HttpPrompt } from "./http-generation.ts";

/** What the HTTP face works on. */
export interface HttpContext {
  readonly servedModelNames: readonly string[];
  readonly clock: Clock;
  readonly faults: Faults;
  readonly chatPrompts: ChatPrompts;
  /** Whether usage says how many prompt tokens were cached. */
  readonly tellsCachedTokens: boolean;
  readonly engine: () => Engine;
  /** Undefined for an engine without a KV connector. */
  readonly kvConnector: () => KvConnectorSide | undefined;
  readonly kvEventSources: () => readonly NamedKvEventSource[];
  readonly isServing: () => boolean;
  /** 32 hexadecimal digits. */
  readonly randomId: () => string;
  readonly countAborts: (count: number) => void;
}

type Call = readonly [context: HttpContext, request: IncomingMessage, response: ServerResponse];
type AnyRequest = ChatRequest | CompletionRequest;

/** Fields of carriedFields() that this face carries. */
const supported = new Set(["n", "logit_bias", "structured_outputs"]);

/**
 * Answers a chat or completion request.
 * @throws ApiError, TextError, GrpcStatusError before the answer began
 */
export function answerGeneration(kind: "chat" | "completion", body: JsonValue, call: Call): void {
  const [context, message, response] = call;
  refuseByFault(context.faults);
  const request = kind === "chat" ? parseChatRequest(body) : parseCompletionRequest(body);
  checkModel(context, request.model);
  const connector = context.kvConnector();
  checkSupported(request, connector !== undefined);
  const rank = rankOf(message);
  const prompts = (
    "messages" in request ? [chatPrompt(context, request)] : completionPrompts(context, request)
  ).map((given) => ({ ...given, rank }));
  const writer = responseWriter(context, request, { message, promptCount: prompts.length });
  const isStream = request.stream === true;
  const generation = new HttpGeneration({
    id: context.randomId(),
    kv: connector && {
      connector,
      params: request.kvTransferParams === null ? undefined : writeJson(new Map(request.kvTransferParams)),
      requestId: `${kind === "chat" ? "chatcmpl" : "cmpl"}-${requestIdOf(context, message)}-0-00000000`,
    },
    fail() {
      const error = internalError();
      if (isStream) response.end(sseEvent(streamErrorBody(error)) + SSE_DONE);
      else response.writeHead(500, { "content-type": "application/json" }).end(errorBody(error));
    },
    engine: context.engine(),
    prompts,
    writer,
    send(text, isLast) {
      if (!response.headersSent) response.writeHead(200, { "content-type": writer.contentType });
      if (isLast) response.end(text);
      else response.write(text);
    },
    afterToken(total) {
      if (total === context.faults.dropStreamAfterTokens) return "drop";
      return total === context.faults.stallStreamAfterTokens ? "stall" : "continue";
    },
    drop: () => response.destroy(),
  });
  // vLLM answers a stream before the first token.
  if (isStream) response.writeHead(200, { "content-type": writer.contentType }).flushHeaders();
  response.once("close", () => {
    if (response.writableFinished) return;
    context.countAborts(1);
    generation.cancel();
  });
  generation.start();
}

/** @throws ApiError 404 for a model that is not served; no name takes the first */
export function checkModel({ servedModelNames }: HttpContext, model: string | null): void {
  if (model === null || model === "" || servedModelNames.includes(model)) return;
  throw modelNotFoundError(model, servedModelNames);
}

function refuseByFault(faults: Faults): void {
  if (faults.errorStatus !== undefined) {
    throw new GrpcStatusError(faults.errorStatus, `simulated ${faults.errorStatus}`);
  }
  if (faults.takeRefusal()) throw new GrpcStatusError("UNAVAILABLE", "simulated refusal");
}

function checkSupported(request: AnyRequest, hasConnector: boolean): void {
  const isSupported = (name: string): boolean =>
    supported.has(name) || (hasConnector && name === "kv_transfer_params");
  const field = carriedFields(request).find((name) => !isSupported(name));
  if (field !== undefined) throw unsupportedFieldError(field);
  if (request.truncatePromptTokens !== null) throw unsupportedFieldError("truncate_prompt_tokens");
  // Prompt logprobs are what the face leaves out of echo.
  if (!("messages" in request) && request.echo === true && request.logprobs !== null) {
    throw unsupportedFieldError("echo");
  }
}

function chatPrompt(context: HttpContext, request: ChatRequest): HttpPrompt {
  const text = context.chatPrompts.render(request);
  const { tokenizer } = context.engine().options.model;
  return prompt(context, request, { ids: [...tokenizer.encode(text, request.addSpecialTokens)], text });
}

function completionPrompts(context: HttpContext, request: CompletionRequest): HttpPrompt[] {
  const { tokenizer } = context.engine().options.model;
  const encode = (text: string): number[] => [...tokenizer.encode(text, request.addSpecialTokens)];
  return promptList(request.prompt).map((given) => {
    const ids = typeof given === "string" ? encode(given) : given.map(Number);
    const isEchoed = request.echo === true;
    const text =
      typeof given === "string" || !isEchoed ? given : tokenizer.decode(ids, { skipSpecialTokens: false });
    return prompt(context, request, { ids, text: typeof text === "string" ? text : undefined });
  });
}

type GivenPrompt = string | readonly (number | bigint)[];

function promptList(given: CompletionRequest["prompt"]): readonly GivenPrompt[] {
  if (typeof given === "string") return [given];
  const list = (given ?? []) as readonly (GivenPrompt | number | bigint)[];
  const isTokens = typeof list[0] === "number" || typeof list[0] === "bigint";
  return isTokens ? [list as readonly (number | bigint)[]] : (list as readonly GivenPrompt[]);
}

function prompt(
  context: HttpContext,
  request: AnyRequest,
  given: { readonly ids: readonly number[]; readonly text: string | undefined },
): HttpPrompt {
  const { model, maxModelLen, maxLogprobs } = context.engine().options;
  checkRequestedLengths(request, maxModelLen);
  checkPromptLength(given.ids.length, maxModelLen);
  const sampling = resolveSampling(request, {
    defaultSampling: model.defaultSampling,
    extraEosTokenIds: model.extraEosIds,
    maxModelLength: maxModelLen,
    promptTokenCount: given.ids.length,
    vocabularySize: model.vocabularySize,
    maxLogprobs,
  });
  if (sampling.lateError instanceof ApiError) throw sampling.lateError;
  return { ...given, sampling };
}

function requestIdOf(context: HttpContext, { headers }: IncomingMessage): string {
  const header = headers["x-request-id"];
  return typeof header === "string" && header !== "" ? header : context.randomId();
}

/** The rank that the header names; vLLM passes over one that is no number. */
function rankOf({ headers }: IncomingMessage): number | undefined {
  const header = headers["x-data-parallel-rank"];
  return typeof header === "string" && /^\d+$/.test(header) ? Number(header) : undefined;
}

function responseWriter(
  context: HttpContext,
  request: AnyRequest,
  given: { readonly message: IncomingMessage; readonly promptCount: number },
): ResponseWriter {
  const { message, promptCount } = given;
  const id = requestIdOf(context, message);
  const options = {
    identity: {
      id: `${"messages" in request ? "chatcmpl" : "cmpl"}-${id}`,
      created: Math.floor(context.clock.epochMs() / 1000),
      model: context.servedModelNames[0] ?? "",
      systemFingerprint: `vllm-${imitatedVersion}-simulated`,
    },
    settings: {
      responseRole: "assistant",
      promptTokensDetails: context.tellsCachedTokens,
      forceIncludeUsage: false,
      returnTokensAsTokenIds: false,
    },
    promptCount,
  };
  const isStream = request.stream === true;
  if ("messages" in request) {
    const chat: ResponseOptions<ChatRequest> = { ...options, request };
    return isStream ? createChatStreamWriter(chat) : createChatCollector(chat);
  }
  const completion: ResponseOptions<CompletionRequest> = { ...options, request };
  return isStream ? createCompletionStreamWriter(completion) : createCompletionCollector(completion);
}
