import { badRequestError } from "../api-error.ts";
import type { Integer } from "../validation/scalars.ts";
import type { SamplingContext } from "./sampling-context.ts";

/** What a request says about its lengths. */
export interface TokenBudget {
  readonly maxTokens: Integer | null;
  readonly truncatePromptTokens: Integer | null;
}

/**
 * Output tokens a request may get: what it asks for, else the model's default, never more than the context leaves.
 *
 * @throws {@link ApiError} when the prompt alone is longer than the context.
 */
export function resolveMaxTokens(budget: TokenBudget, context: SamplingContext): number {
  const { maxModelLength, defaultSampling, maxTokensLimit } = context;
  let promptTokens = context.promptTokenCount;
  if (budget.truncatePromptTokens !== null) {
    const limit = budget.truncatePromptTokens === -1 ? maxModelLength : Number(budget.truncatePromptTokens);
    promptTokens = Math.min(promptTokens, limit);
  }
  if (maxModelLength < promptTokens) {
    throw badRequestError(
      `Input length (${promptTokens}) exceeds model's maximum context length (${maxModelLength}).`,
    );
  }
  const wanted = budget.maxTokens === null ? defaultSampling.maxTokens : Number(budget.maxTokens);
  return Math.min(maxModelLength - promptTokens, wanted ?? Infinity, maxTokensLimit ?? Infinity);
}
