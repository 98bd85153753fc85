import {
  ApiError,
  beamCandidates,
  checkEnginePrompt,
  isChatRequest,
  resolveBeamSearch,
  resolveSampling,
  unsupportedFieldError,
  validationError,
  type GenerationRequest,
  type SamplingContext,
} from "@vllm-router/api";
import { vllmEngineUncarriedField, type SamplingParameters } from "@vllm-router/engine-client";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { alternativesToAsk, promptAlternativesToAsk } from "./logprob-reader.ts";
import type { BeamPlan } from "./plan.ts";
import type { PrepareSettings } from "./prepare-settings.ts";

/** A prompt's sampling, and what the client itself asked for where the engine is asked for something else. */
export interface ResolvedPrompt {
  readonly sampling: SamplingParameters;
  readonly wantedLogprobs: number | undefined;
  readonly wantedPromptLogprobs: number | undefined;
  /** Refusal that vLLM makes only after a stream has begun. */
  readonly lateError: ApiError | undefined;
  /** Undefined for a request that samples. */
  readonly beam?: BeamPlan | undefined;
}

/** The client wants every alternative that the engine gives. */
const ALL_GIVEN = -1;

/**
 * Resolves the sampling of one encoded prompt.
 * @throws ApiError with vLLM's text, or 501 naming a field whose value the engine's protocol cannot carry
 */
export function resolvePrompt(
  request: GenerationRequest,
  tokenIds: Int32Array,
  context: {
    readonly model: ModelRuntime;
    readonly settings: PrepareSettings;
    /** The ids as they were given, where some have no place in `tokenIds`. */
    readonly wideIds?: readonly (number | bigint)[] | undefined;
    /** Whether the model's tokenizer made the ids. Default false. */
    readonly isEncoded?: boolean;
  },
): ResolvedPrompt {
  const { settings } = context;
  const samplingContext = samplingContextOf(tokenIds.length, context);
  if (request.useBeamSearch) {
    return resolveBeams(request, tokenIds, { ...context, samplingContext });
  }
  const { settings: wanted, lateError } = resolveSampling(request, samplingContext);
  const sampling: SamplingParameters = {
    ...wanted,
    logprobs:
      wanted.logprobs === undefined || takesLikeliest(wanted)
        ? wanted.logprobs
        : alternativesToAsk(wanted.logprobs, settings.maxLogprobs),
    promptLogprobs:
      wanted.promptLogprobs === undefined
        ? undefined
        : promptAlternativesToAsk(wanted.promptLogprobs, settings.maxLogprobs),
  };
  // A seed beyond 32 bits is among the required fields: another dialect has room for it.
  const uncarried = vllmEngineUncarriedField({ ...sampling, seed: undefined });
  const refusal = lateError ?? expertsRefusal(request, tokenIds) ?? promptRefusal(tokenIds, context);
  if (uncarried !== undefined && refusal === undefined) {
    throw unsupportedFieldError(uncarried);
  }
  return {
    sampling,
    wantedLogprobs: wanted.logprobTokenIds === undefined ? wanted.logprobs : ALL_GIVEN,
    wantedPromptLogprobs: wanted.promptLogprobs,
    lateError: refusal,
  };
}

/**
 * True where the sampled token is always the likeliest one, and so among its alternatives: nothing but the temperature moves
 * the choice away from the logprobs that are reported. One more than wanted would be asked for in vain, and among equally
 * unlikely tokens, as a constraint leaves them, an engine that is asked for more may name others.
 */
function takesLikeliest(sampling: SamplingParameters): boolean {
  return (
    sampling.temperature === 0 &&
    sampling.frequencyPenalty === 0 &&
    sampling.presencePenalty === 0 &&
    sampling.repetitionPenalty === 1 &&
    sampling.minTokens === 0 &&
    (sampling.logitBias?.size ?? 0) === 0 &&
    sampling.allowedTokenIds === undefined &&
    sampling.logprobTokenIds === undefined
  );
}

/** What sampling depends on beside the request. */
export function samplingContextOf(
  promptTokenCount: number,
  context: { readonly model: ModelRuntime; readonly settings: PrepareSettings },
): SamplingContext {
  const { model, settings } = context;
  return {
    defaultSampling: model.defaults.sampling,
    extraEosTokenIds: model.extraEndTokenIds,
    maxModelLength: model.maxModelLength,
    promptTokenCount,
    vocabularySize: model.vocabularySize,
    maxLogprobs: settings.maxLogprobs,
    reasoningConfigured: model.parsers.selection?.reasoning !== undefined,
    ...(model.defaults.maxTokensLimit === undefined ? {} : { maxTokensLimit: model.defaults.maxTokensLimit }),
  };
}

function resolveBeams(
  request: GenerationRequest,
  tokenIds: Int32Array,
  context: {
    readonly model: ModelRuntime;
    readonly settings: PrepareSettings;
    readonly samplingContext: SamplingContext;
    readonly wideIds?: readonly (number | bigint)[] | undefined;
    readonly isEncoded?: boolean;
  },
): ResolvedPrompt {
  const { settings, lateError } = resolveBeamSearch(request, context.samplingContext);
  const candidates = beamCandidates(settings.width);
  const stepSampling: SamplingParameters = {
    ...STEP_SAMPLING,
    temperature: settings.temperature,
    logprobs: alternativesToAsk(candidates, context.settings.maxLogprobs),
  };
  const wantsLogprobs = isChatRequest(request) ? request.logprobs === true : request.logprobs !== null;
  return {
    sampling: { ...stepSampling, maxTokens: settings.maxTokens },
    wantedLogprobs: wantsLogprobs ? candidates : undefined,
    wantedPromptLogprobs: undefined,
    lateError: settings.maxTokens === 0 ? undefined : (lateError ?? promptRefusal(tokenIds, context)),
    beam: { settings, candidates, stepSampling },
  };
}

/** One token, sampled from all of them. */
const STEP_SAMPLING: SamplingParameters = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  frequencyPenalty: 0,
  presencePenalty: 0,
  repetitionPenalty: 1,
  maxTokens: 1,
  minTokens: 0,
  stop: [],
  stopTokenIds: [],
  ignoreEos: false,
  skipSpecialTokens: true,
  spacesBetweenSpecialTokens: true,
  includeStopStringInOutput: false,
  n: 1,
  seed: undefined,
  logprobs: undefined,
  promptLogprobs: undefined,
  logitBias: undefined,
  structuredOutput: undefined,
};

function expertsRefusal(request: GenerationRequest, tokenIds: Int32Array): ApiError | undefined {
  const start = request.routedExpertsPromptStart;
  if (start >= 0 && start <= tokenIds.length) {
    return undefined;
  }
  return validationError(
    `routed_experts_prompt_start must be between 0 and the prompt length (${tokenIds.length}), inclusive.`,
    "routed_experts_prompt_start",
    start,
  );
}

function promptRefusal(
  tokenIds: Int32Array,
  context: {
    readonly model: ModelRuntime;
    readonly wideIds?: readonly (number | bigint)[] | undefined;
    readonly isEncoded?: boolean;
  },
): ApiError | undefined {
  const { model, wideIds, isEncoded = false } = context;
  const { tokenizer, maxModelLength } = model;
  try {
    checkEnginePrompt(wideIds ?? tokenIds, {
      maxModelLength,
      maxTokenId: Math.max(model.vocabularySize, tokenizer.vocabularySize) - 1,
      highestTokenId: isEncoded ? tokenizer.highestTokenId : undefined,
    });
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) {
      return error;
    }
    throw error;
  }
}
