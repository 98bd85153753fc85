import { pythonFloat } from "@vllm-router/api";
import type { SamplingParams } from "@vllm-router/proto/messages";
import { GrpcStatusError } from "./grpc-status.ts";

/** What the checks need to know of the model. */
export interface SamplingLimits {
  readonly vocabularySize: number;
  readonly maxLogprobs: number;
}

/** A request's sampling parameters with vLLM's defaults in place. */
export interface Sampling {
  readonly isGreedy: boolean;
  readonly seed: number | undefined;
  /** `undefined` fills the context. */
  readonly maxTokens: number | undefined;
  readonly minTokens: number;
  readonly stopStrings: readonly string[];
  readonly stopTokenIds: readonly number[];
  readonly includesStopString: boolean;
  readonly skipsSpecialTokens: boolean;
  readonly spacesBetweenSpecialTokens: boolean;
  readonly ignoresEos: boolean;
  readonly sequences: number;
  readonly logprobs: number | undefined;
  readonly promptLogprobs: number | undefined;
  readonly logitBias: ReadonlyMap<number, number> | undefined;
  readonly constraint: SamplingParams["constraint"];
}

const greedyBelow = 1e-5;
const maxSequences = 16_384;

/**
 * Applies vLLM 0.32's defaults and checks to the parameters of a request, in its order and words.
 * @throws GrpcStatusError INVALID_ARGUMENT
 */
export function readSampling(params: SamplingParams, limits: SamplingLimits): Sampling {
  const sequences = params.n === 0 ? 1 : params.n;
  const temperature = params.temperature ?? 1;
  checkNumbers(params, temperature, sequences);
  const isGreedy = temperature < greedyBelow;
  if (isGreedy && sequences > 1) refuse(`n must be 1 when using greedy sampling, got ${sequences}.`);
  checkLogprobs("sample", "logprobs", { requested: params.logprobs, limits });
  checkLogprobs("prompt", "prompt_logprobs", { requested: params.promptLogprobs, limits });
  const logitBias = readLogitBias(params, limits);
  checkVocabulary("stop_token_ids", params.stopTokenIds, limits);
  return {
    isGreedy,
    seed: params.seed === -1 ? undefined : params.seed,
    maxTokens: params.maxTokens,
    minTokens: params.minTokens,
    stopStrings: params.stop,
    stopTokenIds: params.stopTokenIds,
    includesStopString: params.includeStopStrInOutput,
    skipsSpecialTokens: params.skipSpecialTokens,
    spacesBetweenSpecialTokens: params.spacesBetweenSpecialTokens,
    ignoresEos: params.ignoreEos,
    sequences,
    logprobs: params.logprobs,
    promptLogprobs: params.promptLogprobs,
    logitBias,
    constraint: params.constraint,
  };
}

function checkNumbers(params: SamplingParams, temperature: number, sequences: number): void {
  const { presencePenalty, frequencyPenalty, minP, maxTokens, minTokens } = params;
  const repetitionPenalty = params.repetitionPenalty === 0 ? 1 : params.repetitionPenalty;
  const topP = params.topP === 0 ? 1 : params.topP;
  if (sequences > maxSequences) {
    refuse(
      `n must be at most ${maxSequences}, got ${sequences}. ` +
        "To increase this limit, set the VLLM_MAX_N_SEQUENCES environment variable.",
    );
  }
  if (!(presencePenalty >= -2 && presencePenalty <= 2)) {
    refuse(`presence_penalty must be in [-2, 2], got ${pythonFloat(presencePenalty)}.`);
  }
  if (!(frequencyPenalty >= -2 && frequencyPenalty <= 2)) {
    refuse(`frequency_penalty must be in [-2, 2], got ${pythonFloat(frequencyPenalty)}.`);
  }
  if (!Number.isFinite(repetitionPenalty)) {
    refuse(`repetition_penalty must be a finite number, got ${pythonFloat(repetitionPenalty)}.`);
  }
  if (repetitionPenalty <= 0) {
    refuse(`repetition_penalty must be greater than zero, got ${pythonFloat(repetitionPenalty)}.`);
  }
  checkTemperature(temperature);
  if (!(topP > 0 && topP <= 1))
    refuse(`top_p must be in (0, 1], got ${pythonFloat(topP)}.`, ["top_p", pythonFloat(topP)]);
  if (!(minP >= 0 && minP <= 1)) refuse(`min_p must be in [0, 1], got ${pythonFloat(minP)}.`);
  if (maxTokens !== undefined && maxTokens < 1) {
    refuse(`max_tokens must be at least 1, got ${maxTokens}.`, ["max_tokens", String(maxTokens)]);
  }
  if (maxTokens !== undefined && minTokens > maxTokens) {
    refuse(`min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${minTokens}.`);
  }
  checkNegativeLogprobs("logprobs", params.logprobs);
  checkNegativeLogprobs("prompt_logprobs", params.promptLogprobs);
  if (params.stop.includes("")) refuse("stop cannot contain an empty string.");
}

function checkTemperature(temperature: number): void {
  const value = pythonFloat(temperature);
  const extra: [string, string] = ["temperature", value];
  if (!Number.isFinite(temperature)) refuse(`temperature must be a finite number, got ${value}.`, extra);
  if (temperature < 0) refuse(`temperature must be non-negative, got ${value}.`, extra);
  if (temperature > 2) refuse(`temperature must be in [0, 2], got ${value}.`, extra);
}

function checkNegativeLogprobs(name: string, value: number | undefined): void {
  if (value === undefined || value >= -1) return;
  refuse(`${name} must be non-negative or -1, got ${value}.`, [name, String(value)]);
}

function checkLogprobs(
  kind: string,
  name: string,
  given: { requested: number | undefined; limits: SamplingLimits },
): void {
  const { requested = 0, limits } = given;
  const wanted = requested === -1 ? limits.vocabularySize : requested;
  if (wanted <= limits.maxLogprobs) return;
  refuse(
    `Requested ${kind} logprobs of ${wanted}, which is greater than max allowed: ${limits.maxLogprobs}`,
    [name, String(wanted)],
  );
}

function readLogitBias(
  params: SamplingParams,
  limits: SamplingLimits,
): ReadonlyMap<number, number> | undefined {
  const entries = Object.entries(params.logitBias);
  if (entries.length === 0) return undefined;
  const bias = new Map(entries.map(([id, value]) => [Number(id), Math.min(100, Math.max(-100, value))]));
  checkVocabulary("logit_bias", [...bias.keys()], limits);
  return bias;
}

function checkVocabulary(name: string, ids: readonly number[], limits: SamplingLimits): void {
  const unknown = ids.filter((id) => id < 0 || id >= limits.vocabularySize);
  if (unknown.length === 0) return;
  const list = `[${unknown.join(", ")}]`;
  refuse(
    `token_id(s) ${list} in ${name} contain out-of-vocab token ids. Vocabulary size: ${limits.vocabularySize}`,
    [name, list],
  );
}

/** Ends the request as vLLM's `VLLMValidationError` does; `extra` is its parameter and value. */
export function refuse(message: string, extra?: readonly [parameter: string, value: string]): never {
  const suffix = extra === undefined ? "" : ` (parameter=${extra[0]}, value=${extra[1]})`;
  throw new GrpcStatusError("INVALID_ARGUMENT", message + suffix);
}
