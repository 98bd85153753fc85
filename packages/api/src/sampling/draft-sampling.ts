import { validationError } from "../api-error.ts";
import { pythonFloat } from "../json/number-text.ts";
import { pythonRepr } from "../json/python-text.ts";
import { JsonFloat, type JsonObject, type JsonValue } from "../json/json-value.ts";
import type { ChatRequest } from "../request/chat-request.ts";
import type { CompletionRequest } from "../request/completion-request.ts";
import type { Integer } from "../validation/scalars.ts";
import { readLogitBias } from "./logit-bias.ts";
import { resolveMaxTokens } from "./max-tokens.ts";
import type { SamplingContext } from "./sampling-context.ts";
import { mergeConstraints } from "./structured-output.ts";

/** Sequences per prompt at most (`VLLM_MAX_N_SEQUENCES`). */
export const MAX_SEQUENCES = 16384;

/** Below this a temperature means greedy. */
const GREEDY_BELOW = 1e-5;
const LOWEST_TEMPERATURE = 0.01;

/**
 * vLLM's `SamplingParams` of one prompt, checked in itself but not yet against the model: what `to_sampling_params`
 * gives. Numbers are exact (`Integer`), because messages print them.
 */
export interface SamplingDraft {
  readonly n: Integer;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: Integer;
  readonly minP: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  readonly repetitionPenalty: number;
  readonly maxTokens: number;
  readonly minTokens: Integer;
  readonly stop: readonly string[];
  readonly stopTokenIds: readonly Integer[];
  readonly seed: Integer | undefined;
  readonly logprobs: Integer | undefined;
  readonly promptLogprobs: Integer | undefined;
  readonly logprobTokenIds: readonly Integer[] | undefined;
  readonly allowedTokenIds: readonly Integer[] | undefined;
  readonly logitBias: ReadonlyMap<Integer, number> | undefined;
  readonly badWords: readonly string[];
  readonly thinkingTokenBudget: Integer | undefined;
  readonly streamInterval: Integer | undefined;
  readonly constraint: JsonObject | undefined;
}

/** A request that generates text. */
export type GenerationRequest = ChatRequest | CompletionRequest;

/** Tells the two kinds apart. */
export function isChatRequest(request: GenerationRequest): request is ChatRequest {
  return "messages" in request;
}

/**
 * Applies the defaults to a request and checks the result in itself, in vLLM's order. These refusals come before any
 * answer, also for streams; those of `checkAgainstModel` come after a stream began.
 *
 * @throws {@link ApiError}
 */
export function draftSampling(request: GenerationRequest, context: SamplingContext): SamplingDraft {
  const { defaultSampling: defaults } = context;
  const chat = isChatRequest(request);
  const askedMaxTokens = chat ? (request.maxCompletionTokens ?? request.maxTokens) : request.maxTokens;
  const budget = { maxTokens: askedMaxTokens, truncatePromptTokens: request.truncatePromptTokens };
  const maxTokens = resolveMaxTokens(budget, context);
  const constraint = mergeConstraints(request);
  const logitBias = readLogitBias(request.logitBias);
  const asked = request.temperature ?? defaults.temperature ?? 1;
  const temperature = asked > 0 && asked < LOWEST_TEMPERATURE ? LOWEST_TEMPERATURE : asked;
  const outputLogprobs = chat ? (request.logprobs === true ? request.topLogprobs : null) : request.logprobs;
  const hasLogprobIds = request.logprobTokenIds !== null && request.logprobTokenIds.length > 0;
  let promptLogprobs = request.promptLogprobs;
  if (promptLogprobs === null && request.echo === true)
    promptLogprobs = chat ? request.topLogprobs : request.logprobs;
  const promptOnly = !chat && request.echo === true && request.maxTokens === 0;
  const draft: SamplingDraft = {
    n: request.n ?? 1,
    temperature,
    topP: request.topP ?? defaults.topP ?? 1,
    topK: request.topK ?? defaults.topK ?? 0,
    minP: request.minP ?? defaults.minP ?? 0,
    frequencyPenalty: request.frequencyPenalty ?? defaults.frequencyPenalty ?? 0,
    presencePenalty: request.presencePenalty ?? defaults.presencePenalty ?? 0,
    repetitionPenalty: request.repetitionPenalty ?? defaults.repetitionPenalty ?? 1,
    maxTokens: promptOnly ? 1 : maxTokens,
    minTokens: request.minTokens,
    stop: typeof request.stop === "string" ? [request.stop] : (request.stop ?? []),
    stopTokenIds: distinct([...(request.stopTokenIds ?? []), ...(defaults.stopTokenIds ?? [])]),
    seed: request.seed === null || request.seed === -1 ? undefined : request.seed,
    logprobs: hasLogprobIds ? undefined : (outputLogprobs ?? undefined),
    promptLogprobs: promptLogprobs ?? undefined,
    logprobTokenIds: hasLogprobIds ? (request.logprobTokenIds ?? undefined) : undefined,
    allowedTokenIds: request.allowedTokenIds ?? undefined,
    logitBias,
    badWords: distinct(request.badWords),
    thinkingTokenBudget: request.thinkingTokenBudget ?? undefined,
    streamInterval: request.streamInterval ?? undefined,
    constraint,
  };
  checkDraft(draft, request.vllmXargs);
  if (draft.temperature >= GREEDY_BELOW) return draft;
  if (draft.n > 1) throw validationError(`n must be 1 when using greedy sampling, got ${draft.n}.`);
  return { ...draft, topP: 1, topK: 0, minP: 0 };
}

function distinct<T>(values: readonly T[]): readonly T[] {
  return values.length < 2 ? values : [...new Set(values)];
}

function checkDraft(draft: SamplingDraft, extraArguments: ReadonlyMap<string, unknown> | null): void {
  if (draft.n < 1) throw validationError(`n must be at least 1, got ${draft.n}.`);
  if (draft.n > MAX_SEQUENCES) {
    throw validationError(
      `n must be at most ${MAX_SEQUENCES}, got ${draft.n}. ` +
        "To increase this limit, set the VLLM_MAX_N_SEQUENCES environment variable.",
    );
  }
  if (extraArguments !== null) checkExtraArguments([...extraArguments.values()] as JsonValue[]);
  checkPenalty("presence_penalty", draft.presencePenalty);
  checkPenalty("frequency_penalty", draft.frequencyPenalty);
  const repetition = pythonFloat(draft.repetitionPenalty);
  if (!Number.isFinite(draft.repetitionPenalty)) {
    throw validationError(`repetition_penalty must be a finite number, got ${repetition}.`);
  }
  if (draft.repetitionPenalty <= 0) {
    throw validationError(`repetition_penalty must be greater than zero, got ${repetition}.`);
  }
  checkTemperature(draft.temperature);
  if (!(draft.topP > 0 && draft.topP <= 1)) {
    throw validationError(
      `top_p must be in (0, 1], got ${pythonFloat(draft.topP)}.`,
      "top_p",
      float(draft.topP),
    );
  }
  if (draft.topK < -1) throw validationError(`top_k must be 0 (disable), or at least 1, got ${draft.topK}.`);
  if (!(draft.minP >= 0 && draft.minP <= 1)) {
    throw validationError(`min_p must be in [0, 1], got ${pythonFloat(draft.minP)}.`);
  }
  checkCounts(draft);
  if (draft.stop.includes("")) throw validationError("stop cannot contain an empty string.");
  if (draft.badWords.includes("")) {
    throw validationError(
      `bad_words cannot contain an empty string. Got bad_words=${pythonRepr(draft.badWords)}`,
    );
  }
}

function checkCounts(draft: SamplingDraft): void {
  const { maxTokens, minTokens, logprobs, promptLogprobs } = draft;
  if (maxTokens < 1) {
    throw validationError(`max_tokens must be at least 1, got ${maxTokens}.`, "max_tokens", maxTokens);
  }
  if (minTokens < 0) {
    throw validationError(`min_tokens must be greater than or equal to 0, got ${minTokens}.`);
  }
  if (minTokens > maxTokens) {
    throw validationError(
      `min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${minTokens}.`,
    );
  }
  if (logprobs !== undefined && logprobs < -1) {
    throw validationError(`logprobs must be non-negative or -1, got ${logprobs}.`, "logprobs", logprobs);
  }
  if (promptLogprobs !== undefined && promptLogprobs < -1) {
    const message = `prompt_logprobs must be non-negative or -1, got ${promptLogprobs}.`;
    throw validationError(message, "prompt_logprobs", promptLogprobs);
  }
}

function checkPenalty(name: string, value: number): void {
  if (value >= -2 && value <= 2) return;
  throw validationError(`${name} must be in [-2, 2], got ${pythonFloat(value)}.`);
}

function checkTemperature(value: number): void {
  const refuse = (what: string): never => {
    throw validationError(
      `temperature must be ${what}, got ${pythonFloat(value)}.`,
      "temperature",
      float(value),
    );
  };
  if (!Number.isFinite(value)) refuse("a finite number");
  if (value < 0) refuse("non-negative");
  if (value > 2) refuse("in [0, 2]");
}

function float(value: number): JsonFloat {
  return new JsonFloat(value);
}

/** Integers beyond 64 bits cannot travel to the engine. */
function checkExtraArguments(values: readonly JsonValue[]): void {
  for (const value of values) {
    if (Array.isArray(value)) checkExtraArguments(value as readonly JsonValue[]);
    else if (typeof value === "bigint" && (value < -(2n ** 63n) || value >= 2n ** 64n)) {
      throw validationError("extra_args integers must be between -2**63 and 2**64 - 1.", "extra_args");
    }
  }
}
