import { decisionFields } from "../decisions/decision-request.ts";
import { countTokensFields, messagesFields } from "../messages/messages-request.ts";
import { generativeScoringFields } from "../pooling/generative-scoring-request.ts";
import { batchChatFields } from "../request/batch-chat-request.ts";
import { chatFields } from "../request/chat-request.ts";
import { completionFields } from "../request/completion-request.ts";
import type { FieldShape } from "../request/request-table.ts";
import { responsesFields } from "../responses/responses-request.ts";
import { generateFields } from "../scale-out/generate-request.ts";

/** One verb of one path, as vLLM's document names it. */
export interface Operation {
  /** With parameters in braces. */
  readonly path: string;
  readonly method: "get" | "post";
  /** Name of vLLM's handler, which ids and summaries are made of. */
  readonly handler: string;
  /** Name of the body's schema; undefined where the body is not described. */
  readonly schema?: string;
  readonly isStreamed?: true;
}

/** Fields by the name of their schema, as vLLM calls it. */
export const REQUEST_FIELDS: Readonly<Record<string, readonly FieldShape[]>> = {
  AnthropicCountTokensRequest: countTokensFields,
  AnthropicMessagesRequest: messagesFields,
  BatchChatCompletionRequest: batchChatFields,
  ChatCompletionRequest: chatFields,
  CompletionRequest: completionFields,
  GenerateRequest: generateFields,
  GenerativeScoringRequest: generativeScoringFields,
  ResponsesRequest: responsesFields,
  StructuredDecisionRequest: decisionFields,
};

/** What vLLM's document lists and this server serves, in vLLM's order. */
export const OPERATIONS: readonly Operation[] = [
  { path: "/load", method: "get", handler: "get_server_load_metrics" },
  { path: "/version", method: "get", handler: "show_version" },
  { path: "/health", method: "get", handler: "health" },
  { path: "/metrics", method: "get", handler: "metrics" },
  { path: "/tokenize", method: "post", handler: "tokenize" },
  { path: "/detokenize", method: "post", handler: "detokenize" },
  { path: "/tokenizer_info", method: "get", handler: "get_tokenizer_info" },
  { path: "/v1/models", method: "get", handler: "show_available_models" },
  {
    path: "/v1/systemone",
    method: "post",
    handler: "create_structured_decision",
    schema: "StructuredDecisionRequest",
  },
  { path: "/ping", method: "get", handler: "ping" },
  { path: "/ping", method: "post", handler: "ping" },
  { path: "/invocations", method: "post", handler: "decorated_func" },
  {
    path: "/v1/chat/completions",
    method: "post",
    handler: "create_chat_completion",
    schema: "ChatCompletionRequest",
    isStreamed: true,
  },
  {
    path: "/v1/chat/completions/batch",
    method: "post",
    handler: "create_batch_chat_completion",
    schema: "BatchChatCompletionRequest",
  },
  {
    path: "/v1/responses",
    method: "post",
    handler: "create_responses",
    schema: "ResponsesRequest",
    isStreamed: true,
  },
  { path: "/v1/responses/{response_id}", method: "get", handler: "retrieve_responses" },
  { path: "/v1/responses/{response_id}/cancel", method: "post", handler: "cancel_responses" },
  {
    path: "/v1/completions",
    method: "post",
    handler: "create_completion",
    schema: "CompletionRequest",
    isStreamed: true,
  },
  {
    path: "/v1/messages",
    method: "post",
    handler: "create_messages",
    schema: "AnthropicMessagesRequest",
    isStreamed: true,
  },
  {
    path: "/v1/messages/count_tokens",
    method: "post",
    handler: "count_tokens",
    schema: "AnthropicCountTokensRequest",
  },
  {
    path: "/generative_scoring",
    method: "post",
    handler: "create_generative_scoring",
    schema: "GenerativeScoringRequest",
  },
  { path: "/scale_elastic_ep", method: "post", handler: "scale_elastic_ep" },
  { path: "/is_scaling_elastic_ep", method: "post", handler: "is_scaling_elastic_ep" },
  {
    path: "/v1/chat/completions/render",
    method: "post",
    handler: "render_chat_completion",
    schema: "ChatCompletionRequest",
  },
  {
    path: "/v1/messages/render",
    method: "post",
    handler: "render_messages",
    schema: "AnthropicMessagesRequest",
  },
  {
    path: "/v1/completions/render",
    method: "post",
    handler: "render_completion",
    schema: "CompletionRequest",
  },
  { path: "/v1/responses/render", method: "post", handler: "render_responses", schema: "ResponsesRequest" },
  {
    path: "/inference/v1/generate",
    method: "post",
    handler: "generate",
    schema: "GenerateRequest",
    isStreamed: true,
  },
  { path: "/v1/embeddings", method: "post", handler: "create_embedding" },
  { path: "/v2/embed", method: "post", handler: "create_cohere_embedding" },
  { path: "/pooling", method: "post", handler: "create_pooling" },
  { path: "/score", method: "post", handler: "create_score" },
  { path: "/v1/score", method: "post", handler: "create_score_v1" },
  { path: "/rerank", method: "post", handler: "do_rerank" },
  { path: "/v1/rerank", method: "post", handler: "do_rerank_v1" },
  { path: "/v2/rerank", method: "post", handler: "do_rerank_v2" },
];
