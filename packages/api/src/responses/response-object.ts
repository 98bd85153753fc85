import { metricsText, type RequestMetrics } from "../response/request-metrics.ts";
import { type JsonValue } from "../json/json-value.ts";
import { pythonFloat } from "../json/number-text.ts";
import { quoteJson } from "../json/string-text.ts";
import { writeJson } from "../json/write-json.ts";
import type { ResponsesOptions } from "./responses-options.ts";

/** `status` of a response. */
export type ResponseStatus = "queued" | "in_progress" | "completed" | "incomplete" | "cancelled" | "failed";

/** What of a response changes while it is made. */
export interface ResponseState {
  readonly status: ResponseStatus;
  /** Items of the output, as JSON without brackets. */
  readonly output: string;
  /** JSON; null before the end. */
  readonly usage: string;
  /** JSON; null where there is none. */
  readonly kvTransferParams?: string | undefined;
  readonly metrics?: RequestMetrics | undefined;
  /** `input_messages` and `output_messages`, JSON; null where they were not asked for. */
  readonly messages?: { readonly input: string; readonly output: string } | undefined;
}

/** The text of a response object, every key with its nulls, in vLLM's order. */
export function responseObject(
  options: ResponsesOptions,
  state: ResponseState,
  float: (value: number) => string,
): string {
  const { identity, responses: request, sampling } = options;
  const metrics = state.metrics === undefined ? "" : `"metrics":${metricsText(state.metrics, float)},`;
  const json = (value: JsonValue): string => writeJson(value);
  const details = state.status === "incomplete" ? '{"reason":"max_output_tokens"}' : "null";
  return (
    `{"id":${quoteJson(identity.id)},"created_at":${identity.created},"incomplete_details":${details},` +
    `"instructions":${json(request.instructions)},"metadata":${json(request.metadata)},` +
    `"model":${quoteJson(identity.model)},"object":"response","output":[${state.output}],` +
    `"parallel_tool_calls":${String(request.parallelToolCalls ?? true)},"temperature":${float(sampling.temperature)},` +
    `"tool_choice":${json(request.toolChoice)},"tools":${json(request.tools)},"top_p":${float(sampling.topP)},` +
    `"background":${String(request.background ?? false)},"max_output_tokens":${sampling.maxTokens},` +
    `"max_tool_calls":${json(request.maxToolCalls)},"previous_response_id":${json(request.previousResponseId)},` +
    `"prompt":null,"reasoning":${json(request.reasoning)},"service_tier":${quoteJson(request.serviceTier)},` +
    `"status":"${state.status}","text":${json(request.text)},"top_logprobs":${sampling.logprobs ?? "null"},` +
    `"truncation":${quoteJson(request.truncation ?? "disabled")},"usage":${state.usage},"user":${json(request.user)},${metrics}` +
    `"presence_penalty":${float(sampling.presencePenalty)},"frequency_penalty":${float(sampling.frequencyPenalty)},` +
    `"kv_transfer_params":${state.kvTransferParams ?? "null"},"ec_transfer_params":null,` +
    `"input_messages":${state.messages?.input ?? "null"},"output_messages":${state.messages?.output ?? "null"}}`
  );
}

/** Tokens of a finished response. */
export interface ResponseCounts {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

/** `usage` of a finished response. @param countsTurns true where the one turn is counted for itself too, as with gpt-oss */
export function responseUsage(counts: ResponseCounts, countsTurns = false): string {
  const { promptTokens, cachedTokens, outputTokens, reasoningTokens } = counts;
  const turns = (count: number): string => (countsTurns ? `[${count}]` : "[]");
  return (
    `{"input_tokens":${promptTokens},"input_tokens_details":{"cached_tokens":${cachedTokens},"cache_write_tokens":0,` +
    `"input_tokens_per_turn":${turns(promptTokens)},"cached_tokens_per_turn":${turns(cachedTokens)}},` +
    `"output_tokens":${outputTokens},` +
    `"output_tokens_details":{"reasoning_tokens":${reasoningTokens},"tool_output_tokens":0,` +
    `"output_tokens_per_turn":${turns(outputTokens)},"tool_output_tokens_per_turn":${turns(0)}},"total_tokens":${promptTokens + outputTokens}}`
  );
}

/** A response that is not finished, as it is kept: without output. */
export function unfinishedResponse(options: ResponsesOptions, status: ResponseStatus): string {
  return responseObject(options, { status, output: "", usage: "null" }, pythonFloat);
}
