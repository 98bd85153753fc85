import { badRequestError } from "../api-error.ts";
import type { GeneratedResponse } from "./derender-shapes.ts";

/** What a client may have decoded at once. */
export interface DerenderBounds {
  readonly maxModelLength: number;
  /** `--max-logprobs`; -1 for no bound. */
  readonly maxLogprobs: number;
}

/** Sequences of a request at most (`VLLM_MAX_N_SEQUENCES`). */
const MAX_SEQUENCES = 16_384;

/**
 * Refuses answers that are longer than the model could have given.
 *
 * @throws {@link ApiError} 400 with vLLM's text
 */
export function checkDerenderBounds(responses: readonly GeneratedResponse[], bounds: DerenderBounds): void {
  if (responses.length > MAX_SEQUENCES) {
    throw badRequestError(
      `generate_responses count (${responses.length}) exceeds server maximum (${MAX_SEQUENCES}). ` +
        "Set VLLM_MAX_N_SEQUENCES to increase this limit.",
    );
  }
  for (const response of responses) checkResponse(response, bounds);
}

function checkResponse(response: GeneratedResponse, bounds: DerenderBounds): void {
  const { maxModelLength, maxLogprobs } = bounds;
  const { choices, promptLogprobs, requestId = "" } = response;
  if (choices.length > MAX_SEQUENCES) {
    throw badRequestError(
      `choices count (${choices.length}) in response '${requestId}' exceeds server maximum (${MAX_SEQUENCES}).`,
    );
  }
  const tooLong = (what: string, length: number, where: string): void => {
    if (length > maxModelLength) {
      throw badRequestError(
        `${what} length (${length}) in ${where} exceeds max_model_len (${maxModelLength}).`,
      );
    }
  };
  for (const { index, tokenIds, logprobs } of choices) {
    tooLong("token_ids", tokenIds?.length ?? 0, `choice ${index}`);
    tooLong("logprobs.content", logprobs?.length ?? 0, `choice ${index}`);
    const wide = logprobs?.find(({ top }) => maxLogprobs >= 0 && top.length > maxLogprobs);
    if (wide !== undefined) {
      throw badRequestError(
        `top_logprobs count (${wide.top.length}) in choice ${index} exceeds max_logprobs (${maxLogprobs}).`,
      );
    }
  }
  tooLong("prompt_logprobs", promptLogprobs?.length ?? 0, `response '${requestId}'`);
}

/** @throws {@link ApiError} 400 with vLLM's text for a prompt that is longer than any may be */
export function checkDerenderPrompts(
  prompts: readonly (readonly number[] | null)[],
  { maxModelLength }: Pick<DerenderBounds, "maxModelLength">,
): void {
  const long = prompts.find((ids) => (ids?.length ?? 0) > maxModelLength);
  if (long !== undefined && long !== null) {
    throw badRequestError(
      `prompt_token_ids length (${long.length}) exceeds max_model_len (${maxModelLength}).`,
    );
  }
}
