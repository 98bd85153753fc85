import type { JsonObject, JsonValue } from "../json/json-value.ts";
import type { ChatRequest } from "../request/chat-request.ts";
import type { CompletionRequest } from "../request/completion-request.ts";
import type { Integer } from "../validation/scalars.ts";
import { readLogitBias } from "./logit-bias.ts";
import { resolveMaxTokens } from "./max-tokens.ts";
import type { SamplingContext } from "./sampling-context.ts";
import { checkSamplingNumbers, GREEDY_BELOW } from "./sampling-numbers.ts";
import { mergeConstraints } from "./structured-output.ts";

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
  const extraArguments = request.vllmXargs as ReadonlyMap<string, JsonValue> | null;
  checkSamplingNumbers({ ...draft, detokenize: true, extraArguments });
  if (draft.temperature >= GREEDY_BELOW) return draft;
  return { ...draft, topP: 1, topK: 0, minP: 0 };
}

function distinct<T>(values: readonly T[]): readonly T[] {
  return values.length < 2 ? values : [...new Set(values)];
}
