import { validationError } from "../api-error.ts";
import { pythonRepr } from "../json/python-text.ts";
import type { Integer } from "../validation/scalars.ts";
import type { SamplingContext } from "./sampling-context.ts";
import type { SamplingDraft } from "./draft-sampling.ts";
import { checkConstraint } from "./structured-output.ts";

/** Ids `logprob_token_ids` may name. */
const MAX_LOGPROB_TOKEN_IDS = 128;

/**
 * Checks a draft against the model, in the order of vLLM's engine. vLLM makes these checks when it starts to generate:
 * for a stream the refusal is an error event after status 200.
 *
 * @throws {@link ApiError}
 */
export function checkAgainstModel(draft: SamplingDraft, context: SamplingContext): void {
  const { vocabularySize } = context;
  checkLogprobCount("sample", draft.logprobs, context);
  checkLogprobTokenIds(draft, vocabularySize);
  checkLogprobCount("prompt", draft.promptLogprobs, context);
  checkIds("logit_bias", [...(draft.logitBias?.keys() ?? [])], vocabularySize);
  checkIds("stop_token_ids", draft.stopTokenIds, vocabularySize);
  checkAllowedTokenIds(draft.allowedTokenIds, vocabularySize);
  if (draft.constraint !== undefined) checkConstraint(draft.constraint);
  if (draft.thinkingTokenBudget !== undefined && context.reasoningConfigured !== true) {
    throw validationError(
      "thinking_token_budget is set but reasoning_config is not configured. Please set --reasoning-parser " +
        "and/or --reasoning-config to use thinking_token_budget.",
    );
  }
}

function checkLogprobCount(
  kind: "sample" | "prompt",
  asked: Integer | undefined,
  context: SamplingContext,
): void {
  if (asked === undefined || Number(asked) === 0) return;
  const limit = context.maxLogprobs === -1 ? context.vocabularySize : context.maxLogprobs;
  const count = asked === -1 ? context.vocabularySize : asked;
  if (count <= limit) return;
  throw validationError(
    `Requested ${kind} logprobs of ${count}, which is greater than max allowed: ${limit}`,
    kind === "sample" ? "logprobs" : "prompt_logprobs",
    count,
  );
}

function checkLogprobTokenIds(draft: SamplingDraft, vocabularySize: number): void {
  const ids = draft.logprobTokenIds;
  if (ids === undefined) return;
  if (ids.length > MAX_LOGPROB_TOKEN_IDS) {
    throw validationError(
      `Requested logprob_token_ids of length ${ids.length}, which is greater than max allowed: ${MAX_LOGPROB_TOKEN_IDS}`,
      "logprob_token_ids",
      ids.length,
    );
  }
  checkIds("logprob_token_ids", ids, vocabularySize);
}

function checkIds(name: string, ids: readonly Integer[], vocabularySize: number): void {
  const invalid = outOfVocabulary(ids, vocabularySize);
  if (invalid.length === 0) return;
  throw validationError(
    `token_id(s) ${pythonRepr(invalid)} in ${name} contain out-of-vocab token ids. Vocabulary size: ${vocabularySize}`,
    name,
    invalid,
  );
}

function checkAllowedTokenIds(ids: readonly Integer[] | undefined, vocabularySize: number): void {
  if (ids === undefined) return;
  if (ids.length === 0) {
    throw validationError("allowed_token_ids is not None and empty!", "allowed_token_ids", []);
  }
  const invalid = outOfVocabulary(ids, vocabularySize);
  if (invalid.length === 0) return;
  throw validationError("allowed_token_ids contains out-of-vocab token id!", "allowed_token_ids", invalid);
}

function outOfVocabulary(ids: readonly Integer[], vocabularySize: number): readonly Integer[] {
  return ids.filter((id) => id < 0 || id >= vocabularySize);
}
