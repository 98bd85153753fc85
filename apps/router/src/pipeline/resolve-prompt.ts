import {
  ApiError,
  checkEnginePrompt,
  resolveSampling,
  unsupportedFieldError,
  type GenerationRequest,
} from "@vllm-router/api";
import { vllmEngineUncarriedField, type SamplingParameters } from "@vllm-router/engine-client";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { alternativesToAsk, promptAlternativesToAsk } from "./logprob-reader.ts";
import type { PrepareSettings } from "./prepare-settings.ts";

/** A prompt's sampling, and what the client itself asked for where the engine is asked for something else. */
export interface ResolvedPrompt {
  readonly sampling: SamplingParameters;
  readonly wantedLogprobs: number | undefined;
  readonly wantedPromptLogprobs: number | undefined;
  /** Refusal that vLLM makes only after a stream has begun. */
  readonly lateError: ApiError | undefined;
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
  context: { readonly model: ModelRuntime; readonly settings: PrepareSettings },
): ResolvedPrompt {
  const { model, settings } = context;
  if (request.useBeamSearch) {
    throw unsupportedFieldError("use_beam_search");
  }
  const { settings: wanted, lateError } = resolveSampling(request, {
    defaultSampling: model.defaults.sampling,
    extraEosTokenIds: model.extraEndTokenIds,
    maxModelLength: model.maxModelLength,
    promptTokenCount: tokenIds.length,
    vocabularySize: model.vocabularySize,
    maxLogprobs: settings.maxLogprobs,
    reasoningConfigured: model.parsers.selection?.reasoning !== undefined,
    ...(model.defaults.maxTokensLimit === undefined ? {} : { maxTokensLimit: model.defaults.maxTokensLimit }),
  });
  const ask = (alternatives: number | undefined): number | undefined =>
    alternatives === undefined ? undefined : alternativesToAsk(alternatives, settings.maxLogprobs);
  const sampling: SamplingParameters = {
    ...wanted,
    logprobs: ask(wanted.logprobs),
    promptLogprobs:
      wanted.promptLogprobs === undefined
        ? undefined
        : promptAlternativesToAsk(wanted.promptLogprobs, settings.maxLogprobs),
  };
  // A seed beyond 32 bits is among the required fields: another dialect has room for it.
  const uncarried = vllmEngineUncarriedField({ ...sampling, seed: undefined });
  if (uncarried !== undefined) {
    throw unsupportedFieldError(uncarried);
  }
  return {
    sampling,
    wantedLogprobs: wanted.logprobTokenIds === undefined ? wanted.logprobs : ALL_GIVEN,
    wantedPromptLogprobs: wanted.promptLogprobs,
    lateError: lateError ?? promptRefusal(tokenIds, model),
  };
}

function promptRefusal(tokenIds: Int32Array, model: ModelRuntime): ApiError | undefined {
  const maxTokenId = Math.max(model.vocabularySize, model.tokenizer.vocabularySize) - 1;
  try {
    checkEnginePrompt(tokenIds, { maxModelLength: model.maxModelLength, maxTokenId });
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) {
      return error;
    }
    throw error;
  }
}
