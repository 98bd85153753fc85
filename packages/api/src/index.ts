export {
  ApiError,
  type ApiErrorOptions,
  badRequestError,
  contentTypeError,
  errorBody,
  httpError,
  internalError,
  modelNotFoundError,
  notFoundError,
  notImplementedError,
  payloadTooLargeError,
  requestValidationError,
  serviceUnavailableError,
  streamErrorBody,
  unprocessableEntityError,
  unreadableBodyError,
  unsupportedFieldError,
  validationError,
} from "./api-error.ts";
export { createChatCollector } from "./chat/chat-collector.ts";
export { createChatStreamWriter } from "./chat/create-chat-writer.ts";
export { createCompletionCollector } from "./completions/completion-collector.ts";
export { createCompletionStreamWriter } from "./completions/completion-stream-writer.ts";
export {
  buildQuestions,
  DECISION_LABELS,
  type DecisionQuestion,
  questionPrompt,
} from "./decisions/decision-questions.ts";
export { type DecisionRequest, parseDecisionRequest } from "./decisions/decision-request.ts";
export { createDecisionWriter } from "./decisions/decision-writer.ts";
export { type DecodeAscii, parseJsonBytes } from "./json/decode-bytes.ts";
export { JsonError, type JsonErrorCode } from "./json/json-error.ts";
export {
  isJsonArray,
  isJsonInteger,
  isJsonObject,
  JsonFloat,
  type JsonObject,
  type JsonValue,
} from "./json/json-value.ts";
export { BodyMemory, type BodyMemoryOptions } from "./json/body-memory.ts";
export type { ByteSpan } from "./json/json-ends.ts";
export { jsonMembers, withoutSpace } from "./json/json-members.ts";
export { pydanticFloat, pythonFloat } from "./json/number-text.ts";
export { MAX_INTEGER_DIGITS, MAX_JSON_DEPTH, parseJson, type ParseJsonOptions } from "./json/parse-json.ts";
export {
  codePointLength,
  isTruthy,
  pythonRepr,
  pythonStr,
  pythonStringRepr,
  pythonTypeName,
} from "./json/python-text.ts";
export { quoteAscii, quoteJson } from "./json/string-text.ts";
export { writeJson, type WriteJsonOptions } from "./json/write-json.ts";
export { createMessagesCollector } from "./messages/messages-collector.ts";
export { anthropicErrorBody } from "./messages/messages-errors.ts";
export {
  type CountTokensRequest,
  type MessagesRequest,
  parseCountTokensRequest,
  parseMessagesRequest,
} from "./messages/messages-request.ts";
export { openApiDocument } from "./openapi/openapi-document.ts";
export { createMessagesStreamWriter } from "./messages/messages-stream-writer.ts";
export { type MessagesConversion, messagesToChat } from "./messages/messages-to-chat.ts";
export {
  countTokensBody,
  detokenizeBody,
  loadBody,
  METHOD_NOT_ALLOWED_BODY,
  type ModelCard,
  modelListBody,
  NOT_FOUND_BODY,
  type TokenizeAnswer,
  tokenizeBody,
  UNAUTHORIZED_BODY,
  versionBody,
} from "./plain-bodies.ts";
export { type BatchChatRequest, parseBatchChatRequest } from "./request/batch-chat-request.ts";
export { type ChatRequest, parseChatRequest } from "./request/chat-request.ts";
export {
  type CompletionRequest,
  MAX_COMPLETION_PROMPTS,
  parseCompletionRequest,
} from "./request/completion-request.ts";
export { type CompletionPrompt, completionPrompts } from "./request/completion-prompts.ts";
export { MAX_SEQUENCES } from "./sampling/sampling-numbers.ts";
export { checkMediaArguments, type MediaArguments } from "./request/media-arguments.ts";
export { cohereEmbedBody } from "./pooling/cohere-embed-body.ts";
export {
  checkCohereMaxTokens,
  type CohereEmbedRequest,
  parseCohereEmbedRequest,
} from "./pooling/cohere-embed-request.ts";
export { cosineSimilarity, shortenEmbedding } from "./pooling/cosine-similarity.ts";
export { type EmbeddingRequest, parseEmbeddingRequest } from "./pooling/embedding-request.ts";
export {
  type GenerativeScoringRequest,
  parseGenerativeScoringRequest,
} from "./pooling/generative-scoring-request.ts";
export {
  createGenerativeScoringWriter,
  type GenerativeScoringOptions,
} from "./pooling/generative-scoring-writer.ts";
export type { LabelRead, LabelWriter } from "./pooling/label-logprobs.ts";
export {
  countPromptTokens,
  type EncodeBase64,
  encodedAnswer,
  type EncodedAnswer,
  type PooledPrompt,
} from "./pooling/pooling-bodies.ts";
export type { PoolingInput } from "./pooling/pooling-fields.ts";
export type { ChatPrompts, PoolingCommon, PoolingPrompts } from "./pooling/pooling-prompts.ts";
export { parsePoolingRequest, type PoolingRequest } from "./pooling/pooling-request.ts";
export {
  parseRerankRequest,
  parseScoreRequest,
  type RerankRequest,
  type ScoreInput,
  type ScoreInputs,
  type ScoreRequest,
} from "./pooling/score-request.ts";
export { rerankBody, scoreBody } from "./pooling/scoring-bodies.ts";
export { parseRawJsonBody } from "./request/raw-json-body.ts";
export { parseRequestBody } from "./request/request-body.ts";
export { MAX_STOP_STRINGS } from "./request/sampling-fields.ts";
export {
  type DetokenizeRequest,
  parseDetokenizeRequest,
  parseTokenizeRequest,
  type TokenizeChatRequest,
  type TokenizeCompletionRequest,
  type TokenizeRequest,
} from "./request/tokenize-request.ts";
export { JSON_CONTENT_TYPE, type ResponseOptions, STREAM_CONTENT_TYPE } from "./response/response-options.ts";
export { harmonyConversation, type HarmonyHistory } from "./responses/harmony-conversation.ts";
export type { HarmonyEntry } from "./responses/harmony-input.ts";
export { createHarmonyResponsesWriter } from "./responses/harmony-writer.ts";
export type { ResponsesHistory } from "./responses/input-to-messages.ts";
export { type ResponseStatus, unfinishedResponse } from "./responses/response-object.ts";
export { createResponsesCollector } from "./responses/responses-collector.ts";
export type { FinishedResponse, ResponsesOptions } from "./responses/responses-options.ts";
export { parseResponsesRequest, type ResponsesRequest, toolsOf } from "./responses/responses-request.ts";
export { createResponsesStreamWriter } from "./responses/responses-stream-writer.ts";
export { responsesToChat, responsesToHarmonyChat, samplingOf } from "./responses/responses-to-chat.ts";
export {
  beamCandidates,
  type BeamSearchSettings,
  resolveBeamSearch,
  type ResolvedBeamSearch,
} from "./sampling/resolve-beam-search.ts";
export { carriedFields } from "./sampling/carried-fields.ts";
export { draftSampling, type GenerationRequest, isChatRequest } from "./sampling/draft-sampling.ts";
export {
  checkEnginePrompt,
  checkPromptLength,
  checkPromptText,
  checkRequestedLengths,
  type LengthContext,
  promptTokenLimit,
  truncatedRange,
  truncatePromptText,
} from "./sampling/length-checks.ts";
export { type ResolvedSampling, resolveSampling } from "./sampling/resolve-sampling.ts";
export type { DefaultSampling, SamplingContext } from "./sampling/sampling-context.ts";
export type { SamplingSettings, StructuredOutputSetting } from "./sampling/sampling-settings.ts";
export { mergeConstraints, structuralTagRefusal } from "./sampling/structured-output.ts";
export { type RequestMetrics } from "./response/request-metrics.ts";
export {
  parseLoadAdapterRequest,
  parseUnloadAdapterRequest,
  type LoadAdapterRequest,
  type UnloadAdapterRequest,
} from "./request/adapter-request.ts";
export { parseAbortRequest } from "./scale-out/abort-request.ts";
export {
  derenderedChatBody,
  derenderedChatChunk,
  derenderedCompletionBody,
  derenderedCompletionChunk,
  type DecodedPosition,
  type DerenderedChatChoice,
  type DerenderedDelta,
  type DerenderedFrame,
  type DerenderedText,
} from "./scale-out/derender-bodies.ts";
export { checkDerenderBounds, checkDerenderPrompts } from "./scale-out/derender-bounds.ts";
export {
  parseDerenderChat,
  parseDerenderCompletion,
  type DerenderChatRequest,
  type DerenderChatStreamRequest,
  type DerenderCompletionRequest,
  type DerenderCompletionStreamRequest,
} from "./scale-out/derender-request.ts";
export {
  type GeneratedChoice,
  type GeneratedPosition,
  type GeneratedResponse,
} from "./scale-out/derender-shapes.ts";
export { EMPTY_STREAM_STATE, type DerenderStreamState } from "./scale-out/derender-state.ts";
export { createGenerateWriter, type GenerateOptions } from "./scale-out/generate-writers.ts";
export {
  type GenerateTokensRequest,
  parseGenerateRequest,
  tokensSampling,
} from "./scale-out/generate-request.ts";
export { generateRequestText } from "./scale-out/sampling-params-text.ts";
export { sanitizeMessage } from "./sanitize-message.ts";
export {
  createSseParser,
  MAX_SSE_EVENT_LENGTH,
  SSE_DONE,
  sseComment,
  sseEvent,
  type SseMessage,
  type SseParser,
} from "./sse.ts";
export { queryBooleanError, queryIntegerError } from "./validation/issue-text.ts";
export type { Integer } from "./validation/scalars.ts";
export type {
  ChoiceFinish,
  ChoiceOutput,
  PositionLogprobs,
  PromptInfo,
  PromptPositionLogprobs,
  ResponseIdentity,
  ResponseUsage,
  ResponseWriter,
  TokenLogprob,
  WriterSettings,
} from "./writer.ts";
