import { validationError } from "../api-error.ts";
import { JsonFloat, type JsonValue } from "../json/json-value.ts";
import { pythonFloat } from "../json/number-text.ts";
import { pythonRepr } from "../json/python-text.ts";
import type { Integer } from "../validation/scalars.ts";

/** Sequences per prompt at most (`VLLM_MAX_N_SEQUENCES`). */
export const MAX_SEQUENCES = 16384;

/** Below this a temperature means greedy. */
export const GREEDY_BELOW = 1e-5;

/** What vLLM's `SamplingParams` checks of itself when it is made. */
export interface SamplingNumbers {
  readonly n: Integer;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: Integer;
  readonly minP: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  readonly repetitionPenalty: number;
  readonly maxTokens: Integer | undefined;
  readonly minTokens: Integer;
  readonly streamInterval: Integer | undefined;
  readonly logprobs: Integer | undefined;
  readonly promptLogprobs: Integer | undefined;
  readonly stop: readonly string[];
  readonly badWords: readonly string[];
  readonly detokenize: boolean;
  readonly extraArguments: ReadonlyMap<string, JsonValue> | null;
}

/**
 * Checks numbers and texts of a sampling in themselves, in vLLM's order.
 *
 * @throws {@link ApiError}
 */
export function checkSamplingNumbers(draft: SamplingNumbers): void {
  const { extraArguments } = draft;
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
  if (draft.stop.length > 0 && !draft.detokenize) {
    throw validationError(
      "stop strings are only supported when detokenize is True. Set detokenize=True to use stop.",
    );
  }
  if (draft.badWords.includes("")) {
    throw validationError(
      `bad_words cannot contain an empty string. Got bad_words=${pythonRepr(draft.badWords)}`,
    );
  }
  if (draft.temperature < GREEDY_BELOW && draft.n > 1) {
    throw validationError(`n must be 1 when using greedy sampling, got ${draft.n}.`);
  }
}

function checkCounts(draft: SamplingNumbers): void {
  const { maxTokens, minTokens, streamInterval, logprobs, promptLogprobs } = draft;
  if (maxTokens !== undefined && maxTokens < 1) {
    throw validationError(`max_tokens must be at least 1, got ${maxTokens}.`, "max_tokens", maxTokens);
  }
  if (minTokens < 0) {
    throw validationError(`min_tokens must be greater than or equal to 0, got ${minTokens}.`);
  }
  if (maxTokens !== undefined && minTokens > maxTokens) {
    throw validationError(
      `min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${minTokens}.`,
    );
  }
  if (streamInterval !== undefined && streamInterval < 1) {
    const message = `stream_interval must be at least 1, got ${streamInterval}.`;
    throw validationError(message, "stream_interval", streamInterval);
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
