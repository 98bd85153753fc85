import { pythonFloat } from "../json/number-text.ts";
import { JsonFloat, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { codePointLength } from "../json/python-text.ts";
import { quoteJson } from "../json/string-text.ts";
import { writeJson } from "../json/write-json.ts";
import type { GenerationRequest, SamplingDraft } from "../sampling/draft-sampling.ts";

/** Output tokens that `SamplingParams` allows when it is not told: not printed. */
const CLASS_MAX_TOKENS = 16;
const GREEDY_BELOW = 1e-5;

const CONSTRAINT_FIELDS: readonly (readonly [name: string, fallback: JsonValue])[] = [
  ["json", null],
  ["regex", null],
  ["choice", null],
  ["grammar", null],
  ["json_object", null],
  ["disable_any_whitespace", false],
  ["disable_additional_properties", false],
  ["whitespace_pattern", null],
  ["structural_tag", null],
  ["_backend", null],
  ["_backend_was_auto", false],
];

/** How {@link samplingParamsText} differs between APIs. */
export interface SamplingParamsOptions {
  /** The Responses API prints `extra_args` even when there are none. */
  readonly printsEmptyExtraArguments: boolean;
}

/**
 * vLLM's `SamplingParams` as JSON, with the fields it prints: those whose value is not the very object of the class's
 * default, in the order of the class.
 */
function samplingParamsText(
  draft: SamplingDraft,
  request: GenerationRequest,
  options: SamplingParamsOptions,
): string {
  const fields: string[] = [];
  const add = (name: string, text: string | number | bigint, isPrinted = true): void => {
    if (isPrinted) fields.push(`"${name}":${text}`);
  };
  const isGreedy = draft.temperature < GREEDY_BELOW;
  add("n", draft.n, draft.n !== 1);
  add("presence_penalty", pythonFloat(draft.presencePenalty));
  add("frequency_penalty", pythonFloat(draft.frequencyPenalty));
  add("repetition_penalty", pythonFloat(draft.repetitionPenalty));
  add("temperature", pythonFloat(draft.temperature));
  add("watermarking", String(request.watermarking), request.watermarking !== null);
  add("top_p", pythonFloat(draft.topP), !isGreedy);
  add("top_k", draft.topK, draft.topK !== 0);
  add("min_p", pythonFloat(draft.minP), !isGreedy);
  add("seed", draft.seed ?? 0, draft.seed !== undefined);
  add("stop", json(draft.stop));
  // Characters held back, so that a stop string is seen before it is shown.
  const held = request.includeStopStrInOutput ? 0 : Math.max(0, ...draft.stop.map(codePointLength)) - 1;
  if (held > 0) add("output_text_buffer_length", String(held));
  add("stop_token_ids", json(draft.stopTokenIds));
  add("ignore_eos", "true", request.ignoreEos);
  add("max_tokens", draft.maxTokens, draft.maxTokens !== CLASS_MAX_TOKENS);
  add("min_tokens", draft.minTokens, draft.minTokens !== 0);
  add("logprobs", draft.logprobs ?? 0, draft.logprobs !== undefined);
  add("prompt_logprobs", draft.promptLogprobs ?? 0, draft.promptLogprobs !== undefined);
  add("logprob_token_ids", json(draft.logprobTokenIds ?? []), draft.logprobTokenIds !== undefined);
  add("skip_special_tokens", "false", !request.skipSpecialTokens);
  add("spaces_between_special_tokens", "false", !request.spacesBetweenSpecialTokens);
  add("include_stop_str_in_output", "true", request.includeStopStrInOutput);
  add("output_kind", request.stream === true ? 1 : 2);
  add("stream_interval", draft.streamInterval ?? 0, draft.streamInterval !== undefined);
  add("skip_clone", "true");
  add("structured_outputs", constraintText(draft.constraint), draft.constraint !== undefined);
  add("logit_bias", biasText(draft.logitBias), draft.logitBias !== undefined);
  add("allowed_token_ids", json(draft.allowedTokenIds ?? []), draft.allowedTokenIds !== undefined);
  const extra = extraArguments(request);
  add("extra_args", writeJson(extra), extra.size > 0 || options.printsEmptyExtraArguments);
  add("bad_words", json(draft.badWords));
  add("skip_reading_prefix_cache", String(draft.promptLogprobs !== undefined));
  add("thinking_token_budget", draft.thinkingTokenBudget ?? 0, draft.thinkingTokenBudget !== undefined);
  const repetition = request.repetitionDetection;
  add("repetition_detection", writeJson(repetition as JsonObject | null), repetition !== null);
  const expertsStart = request.routedExpertsPromptStart;
  add("routed_experts_prompt_start", expertsStart, expertsStart !== 0);
  return `{${fields.join(",")}}`;
}

function json(value: readonly JsonValue[]): string {
  return writeJson(value as JsonValue);
}

function constraintText(constraint: JsonObject | undefined): string {
  const members = CONSTRAINT_FIELDS.map(
    ([name, fallback]) => `"${name}":${writeJson(constraint?.get(name) ?? fallback)}`,
  );
  return `{${members.join(",")}}`;
}

function biasText(bias: SamplingDraft["logitBias"]): string {
  const members = [...(bias ?? [])].map(([id, value]) => `"${id}":${writeJson(new JsonFloat(value))}`);
  return `{${members.join(",")}}`;
}

function extraArguments(request: GenerationRequest): JsonObject {
  const extra: JsonObject = new Map(request.vllmXargs as JsonObject | null);
  for (const [name, params] of [
    ["kv_transfer_params", request.kvTransferParams],
    ["ec_transfer_params", request.ecTransferParams],
  ] as const) {
    if (params !== null && params.size > 0) extra.set(name, params as JsonObject);
  }
  return extra;
}

/** What a rendered prompt is printed with beside its sampling. */
export interface RenderedPrompt {
  readonly requestId: string;
  readonly tokenIds: ArrayLike<number | bigint>;
  /** Where the tokens stand in their text; null where that was not asked for. */
  readonly offsets: readonly (readonly [start: number, end: number])[] | null;
  /** As the request names it; null when it names none. */
  readonly model: string | null;
  /** JSON; null where no parser looks at reasoning. */
  readonly reasoningEnded: boolean | null;
  /** Template variables the prompt was rendered with; null where no parser looks at reasoning. */
  readonly templateKwargs: JsonObject | null;
  /** `kv_transfer_params` and `ec_transfer_params` beside the sampling's; the Responses API only. */
  readonly transferParams?: { readonly kv: JsonObject | null; readonly ec: JsonObject | null } | undefined;
}

/** A rendered prompt as the body of `POST /inference/v1/generate` that would run it. */
export function generateRequestText(
  prompt: RenderedPrompt,
  draft: SamplingDraft,
  request: GenerationRequest,
): string {
  const isStream = request.stream === true;
  const isResponses = prompt.transferParams !== undefined;
  const kwargs =
    prompt.templateKwargs === null ? "null" : `{"chat_template_kwargs":${writeJson(prompt.templateKwargs)}}`;
  const streamOptions = isStream && !isResponses ? (request.streamOptions as JsonObject | null) : null;
  const ids = Array.prototype.join.call(prompt.tokenIds, ",");
  return (
    `{"request_id":${quoteJson(prompt.requestId)},"token_ids":[${ids}],"token_offsets":${writeJson(prompt.offsets)},"features":null,` +
    `"content_parts":null,"sampling_params":${samplingParamsText(draft, request, { printsEmptyExtraArguments: isResponses })},` +
    `"model":${writeJson(prompt.model)},"reasoning_ended":${String(prompt.reasoningEnded)},` +
    `"reasoning_parser_kwargs":${kwargs},"return_token_ids":null,"output_mode":"tokens","stream":${String(isStream)},` +
    `"stream_options":${writeJson(streamOptions)},"cache_salt":${writeJson(request.cacheSalt)},` +
    `"priority":${request.priority},"kv_transfer_params":${writeJson(prompt.transferParams?.kv ?? null)},` +
    `"ec_transfer_params":${writeJson(prompt.transferParams?.ec ?? null)}}`
  );
}
