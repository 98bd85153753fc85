import { ApiError } from "../api-error.ts";
import { checkAgainstModel } from "./check-against-model.ts";
import { draftSampling, type GenerationRequest } from "./draft-sampling.ts";
import type { SamplingContext } from "./sampling-context.ts";
import type { SamplingSettings } from "./sampling-settings.ts";
import { settingsOf } from "./settings-of.ts";

/** The outcome of {@link resolveSampling}. */
export interface ResolvedSampling {
  readonly settings: SamplingSettings;
  /**
   * Refusal of the checks that vLLM makes when it starts to generate: without a stream the answer is this error, with a
   * stream it is status 200 and this error as the only event.
   */
  readonly lateError: ApiError | undefined;
}

/**
 * Turns a request into sampling parameters for one prompt, with vLLM's checks in vLLM's order.
 *
 * @throws {@link ApiError} for what is refused before any answer begins, streams included.
 */
export function resolveSampling(request: GenerationRequest, context: SamplingContext): ResolvedSampling {
  const draft = draftSampling(request, context);
  let lateError: ApiError | undefined;
  try {
    checkAgainstModel(draft, context);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    lateError = error;
  }
  return { settings: settingsOf(draft, request, context), lateError };
}
