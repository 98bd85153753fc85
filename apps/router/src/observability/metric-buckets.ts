/** Bounds of vLLM's request phase histograms, seconds (vLLM 0.32, `request_latency`). */
export const REQUEST_LATENCY_SECONDS: readonly number[] = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
];

/** Bounds of `vllm:time_to_first_token_seconds`. */
export const FIRST_TOKEN_SECONDS: readonly number[] = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
  2560,
];

/** Bounds of `vllm:inter_token_latency_seconds` and of the time per output token. */
export const TOKEN_GAP_SECONDS: readonly number[] = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];

/** Bounds of `vllm:request_params_n`. */
export const SEQUENCE_COUNTS: readonly number[] = [1, 2, 5, 10, 20];

/** Bounds of `http_request_duration_highr_seconds`. */
export const HTTP_FINE_SECONDS: readonly number[] = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60,
];

/** Bounds of `http_request_duration_seconds`. */
export const HTTP_COARSE_SECONDS: readonly number[] = [0.1, 0.5, 1];

/** Bounds of the Rust router's histograms whose names end in `duration_seconds`. */
export const ROUTER_SECONDS: readonly number[] = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 45, 60, 90, 120, 180, 240,
];

/** 1, 2, 5, 10, 20, 50 … up to `maximum`: vLLM's bounds for token counts. */
export function tokenCountBuckets(maximum: number): readonly number[] {
  const bounds: number[] = [];
  for (let exponent = 1; ; exponent *= 10) {
    for (const mantissa of [1, 2, 5]) {
      const bound = mantissa * exponent;
      if (bound > maximum) {
        return bounds;
      }
      bounds.push(bound);
    }
  }
}
