import { ApiError, validationError } from "../api-error.ts";
import { checkAgainstModel } from "./check-against-model.ts";
import { draftSampling, type GenerationRequest, isChatRequest } from "./draft-sampling.ts";
import { MAX_SEQUENCES } from "./sampling-numbers.ts";
import { resolveMaxTokens } from "./max-tokens.ts";
import type { SamplingContext } from "./sampling-context.ts";

/** A beam search with every default applied: vLLM's `BeamSearchParams`. */
export interface BeamSearchSettings {
  /** Beams kept after each step, and answers at the end. */
  readonly width: number;
  /** Steps at most; 0 for none. */
  readonly maxTokens: number;
  /** Of the step that proposes the next tokens; with 0 the search is deterministic. */
  readonly temperature: number;
  readonly lengthPenalty: number;
  /** The end-of-sequence token is a token like any other. */
  readonly ignoreEos: boolean;
  /** The end-of-sequence token is among the token ids of an answer (never in its text). */
  readonly includeStopStringInOutput: boolean;
  readonly skipSpecialTokens: boolean;
}

/** The outcome of {@link resolveBeamSearch}. */
export interface ResolvedBeamSearch {
  readonly settings: BeamSearchSettings;
  /** Refusal of the checks that vLLM makes with the first step, when a stream has begun. */
  readonly lateError: ApiError | undefined;
}

/**
 * Turns a request with `use_beam_search` into the parameters of the search over one prompt. Everything else that shapes
 * sampling has no effect there, as in vLLM.
 *
 * @throws {@link ApiError} for what is refused before any answer begins, streams included.
 */
export function resolveBeamSearch(request: GenerationRequest, context: SamplingContext): ResolvedBeamSearch {
  const asked = isChatRequest(request)
    ? (request.maxCompletionTokens ?? request.maxTokens)
    : request.maxTokens;
  const maxTokens = resolveMaxTokens(
    { maxTokens: asked, truncatePromptTokens: request.truncatePromptTokens },
    context,
  );
  const width = Number(request.n ?? 1);
  checkWidth(width);
  const temperature = request.temperature ?? context.defaultSampling.temperature ?? 1;
  const settings: BeamSearchSettings = {
    // A search of no steps has one beam: the prompt.
    width: maxTokens === 0 ? 1 : width,
    maxTokens,
    temperature: temperature < 1e-5 ? 0 : temperature,
    lengthPenalty: request.lengthPenalty,
    ignoreEos: request.ignoreEos,
    includeStopStringInOutput: request.includeStopStrInOutput,
    skipSpecialTokens: request.skipSpecialTokens,
  };
  if (maxTokens === 0) return { settings, lateError: undefined };
  return { settings, lateError: refusalOfFirstStep(stepRequest(request, { width, temperature }), context) };
}

/** Tokens that a step proposes for each beam. */
export function beamCandidates(width: number): number {
  return 2 * width;
}

function checkWidth(width: number): void {
  if (width < 1) throw validationError(`beam_width must be at least 1, got ${width}.`);
  if (width > MAX_SEQUENCES) {
    throw validationError(
      `beam_width must be at most ${MAX_SEQUENCES}, got ${width}. ` +
        "To increase this limit, set the VLLM_MAX_N_SEQUENCES environment variable.",
    );
  }
}

/** The request one step stands for: one token, with as many logprobs as there are candidates, and nothing else. */
function stepRequest(
  request: GenerationRequest,
  step: { readonly width: number; readonly temperature: number },
): GenerationRequest {
  const neutral = {
    n: 1,
    temperature: step.temperature,
    topP: 1,
    topK: 0,
    minP: 0,
    frequencyPenalty: 0,
    presencePenalty: 0,
    repetitionPenalty: 1,
    minTokens: 0,
    maxTokens: 1,
    stop: null,
    stopTokenIds: null,
    seed: null,
    promptLogprobs: null,
    logprobTokenIds: null,
    allowedTokenIds: null,
    logitBias: null,
    badWords: [],
    thinkingTokenBudget: null,
    vllmXargs: null,
    structuredOutputs: null,
    responseFormat: null,
    echo: false,
    truncatePromptTokens: null,
  } as const;
  const logprobs = beamCandidates(step.width);
  return isChatRequest(request)
    ? { ...request, ...neutral, maxCompletionTokens: 1, logprobs: true, topLogprobs: logprobs }
    : { ...request, ...neutral, logprobs };
}

function refusalOfFirstStep(step: GenerationRequest, context: SamplingContext): ApiError | undefined {
  try {
    checkAgainstModel(draftSampling(step, { ...context, defaultSampling: {} }), context);
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
