/** How long an answer took, as `--enable-per-request-metrics` shows it; null for what is not known. */
export interface RequestMetrics {
  /** From the start of the generation to its first token. */
  readonly timeToFirstTokenMs: number | null;
  /** From the first token to the last. */
  readonly generationTimeMs: number | null;
  readonly queueTimeMs: number | null;
  /** Between two tokens, in the mean. */
  readonly meanItlMs: number | null;
  /** Over the whole time. */
  readonly tokensPerSecond: number | null;
}

function members(
  metrics: RequestMetrics,
  float: (value: number) => string,
): readonly (readonly [name: string, text: string])[] {
  const text = (value: number | null): string => (value === null ? "null" : float(value));
  return [
    ["time_to_first_token_ms", text(metrics.timeToFirstTokenMs)],
    ["generation_time_ms", text(metrics.generationTimeMs)],
    ["queue_time_ms", text(metrics.queueTimeMs)],
    ["mean_itl_ms", text(metrics.meanItlMs)],
    ["tokens_per_second", text(metrics.tokensPerSecond)],
    ["speculative_decoding", "null"],
  ];
}

/** `metrics` of a whole body, nulls included; null for no metrics. */
export function metricsText(metrics: RequestMetrics | undefined, float: (value: number) => string): string {
  return metrics === undefined
    ? "null"
    : `{${members(metrics, float)
        .map(([name, text]) => `"${name}":${text}`)
        .join(",")}}`;
}

/** `metrics` as the last member of a stream's usage chunk, without nulls; nothing for no metrics. */
export function metricsTail(metrics: RequestMetrics | undefined, float: (value: number) => string): string {
  if (metrics === undefined) return "";
  const known = members(metrics, float).filter(([, text]) => text !== "null");
  return `,"metrics":{${known.map(([name, text]) => `"${name}":${text}`).join(",")}}`;
}
