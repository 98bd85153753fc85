import { unsupportedFieldError } from "../api-error.ts";
import type { GenerationRequest, SamplingDraft } from "./draft-sampling.ts";
import type { SamplingContext } from "./sampling-context.ts";
import type { SamplingSettings } from "./sampling-settings.ts";
import { structuredOutputSetting } from "./structured-output.ts";

/** The draft as engines take it, with the model's further end-of-sequence tokens among the stop tokens. */
export function settingsOf(
  draft: SamplingDraft,
  request: GenerationRequest,
  context: SamplingContext,
): SamplingSettings {
  const stopTokenIds = draft.stopTokenIds.map(Number);
  if (!request.ignoreEos) {
    for (const id of context.extraEosTokenIds) if (!stopTokenIds.includes(id)) stopTokenIds.push(id);
  }
  const topK = Number(draft.topK);
  return {
    temperature: draft.temperature < 1e-5 ? 0 : draft.temperature,
    topP: draft.topP,
    topK: topK < 0 ? 0 : topK,
    minP: draft.minP,
    frequencyPenalty: draft.frequencyPenalty,
    presencePenalty: draft.presencePenalty,
    repetitionPenalty: draft.repetitionPenalty,
    maxTokens: draft.maxTokens,
    minTokens: Number(draft.minTokens),
    stop: draft.stop,
    stopTokenIds,
    ignoreEos: request.ignoreEos,
    skipSpecialTokens: request.skipSpecialTokens,
    spacesBetweenSpecialTokens: request.spacesBetweenSpecialTokens,
    includeStopStringInOutput: request.includeStopStrInOutput,
    n: Number(draft.n),
    seed: draft.seed === undefined ? undefined : safeSeed(draft.seed),
    logprobs: draft.logprobs === undefined ? undefined : Number(draft.logprobs),
    promptLogprobs: draft.promptLogprobs === undefined ? undefined : Number(draft.promptLogprobs),
    logitBias:
      draft.logitBias === undefined || draft.logitBias.size === 0
        ? undefined
        : new Map([...draft.logitBias].map(([id, bias]) => [Number(id), bias])),
    structuredOutput: structuredOutputSetting(draft.constraint),
    allowedTokenIds: draft.allowedTokenIds?.map(Number),
    logprobTokenIds: draft.logprobTokenIds?.map(Number),
  };
}

/** A seed beyond 2^53 would become another seed on the way: refused (501) rather than changed. */
function safeSeed(seed: number | bigint): number {
  if (typeof seed === "number") return seed;
  throw unsupportedFieldError("seed");
}
