import type { RequestMetrics } from "@vllm-router/api";

/** Instants of one sequence, milliseconds on one clock; undefined for what never came. */
export interface SequenceTimes {
  readonly startedAtMs: number;
  readonly firstOutputAtMs: number | undefined;
  readonly lastOutputAtMs: number | undefined;
  readonly tokens: number;
}

/**
 * How long a sequence took by the router's clock, by vLLM's formulas: where vLLM counts from the engine's scheduling, this
 * counts from the start of the generation, and how long the engine let it wait is not known.
 */
export function requestMetrics(times: SequenceTimes): RequestMetrics {
  const { startedAtMs, firstOutputAtMs, lastOutputAtMs, tokens } = times;
  const decodeMs =
    firstOutputAtMs === undefined || lastOutputAtMs === undefined ? null : lastOutputAtMs - firstOutputAtMs;
  const wholeMs = lastOutputAtMs === undefined ? 0 : lastOutputAtMs - startedAtMs;
  return {
    timeToFirstTokenMs: firstOutputAtMs === undefined ? null : firstOutputAtMs - startedAtMs,
    generationTimeMs: decodeMs,
    queueTimeMs: null,
    meanItlMs: decodeMs === null || tokens < 2 ? null : decodeMs / (tokens - 1),
    tokensPerSecond: wholeMs > 0 ? (tokens / wholeMs) * 1000 : null,
  };
}
