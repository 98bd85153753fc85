import { describe, expect, it } from "vitest";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { GenerationSummary, RequestSummary } from "./router-observer.ts";

const GENERATION: GenerationSummary = {
  model: "m",
  workers: ["http://w1"],
  policy: "cache_aware",
  reason: "prefix",
  attempts: 1,
  queueMs: 10,
  firstTokenMs: 110,
  promptTokens: 7,
  completionTokens: 11,
  cachedTokens: 4,
  sequences: 1,
  maxTokens: 16,
  finishReasons: ["stop"],
};

const SUMMARY: RequestSummary = {
  id: "cmpl-1",
  route: "/v1/completions",
  method: "POST",
  status: 200,
  durationMs: 1110,
  requestBytes: 100,
  responseBytes: 2000,
  errorCode: undefined,
  generation: GENERATION,
};

function metricsWith(inFlight: readonly (readonly [string, number])[] = [], queued = 0): Metrics {
  return createMetrics({ inFlight: () => inFlight, queued: () => queued }, { every: () => () => undefined });
}

async function seriesOf(metrics: Metrics): Promise<readonly string[]> {
  return (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

describe("createMetrics()", () => {
  it("prints every line in the text format, and the process's own series", async () => {
    const metrics = metricsWith();
    const text = await metrics.text();
    for (const line of text.split("\n")) {
      expect(line).toMatch(
        /^(# (HELP|TYPE) [\w:]+ .+|[\w:]+(\{[\w]+="[^\n]*"\})? (-?[\d.e+-]+|[+-]Inf|Nan)|)$/,
      );
    }
    expect(text).toContain("\nprocess_cpu_seconds_total ");
    expect(text).toContain("\nvllm_router_active_workers 0\n");
  });

  it("counts a finished generation in the Rust router's series", async () => {
    const metrics = metricsWith();
    metrics.observer.requestStarted("/v1/completions");
    expect(await seriesOf(metrics)).toContain("vllm_router_in_flight_requests 1");
    metrics.observer.requestFinished(SUMMARY);

    expect(await seriesOf(metrics)).toEqual(
      expect.arrayContaining([
        "vllm_router_in_flight_requests 0",
        'vllm_router_requests_total{route="/v1/completions"} 1',
        'vllm_router_responses_total{route="/v1/completions",status="200"} 1',
        'vllm_router_request_duration_seconds_bucket{route="/v1/completions",le="1"} 0',
        'vllm_router_request_duration_seconds_bucket{route="/v1/completions",le="2.5"} 1',
        "vllm_router_generate_duration_seconds_count 1",
        "vllm_router_cache_hits_total 1",
        "vllm_router_cache_misses_total 0",
      ]),
    );
  });

  it("counts a finished generation in vLLM's series", async () => {
    const metrics = metricsWith();
    metrics.observer.requestFinished(SUMMARY);
    metrics.gapCell("m").observe(0.02);

    const labels = 'model_name="m",engine="0"';
    expect(await seriesOf(metrics)).toEqual(
      expect.arrayContaining([
        'http_requests_total{handler="/v1/completions",method="POST",status="2xx"} 1',
        'http_request_size_bytes_sum{handler="/v1/completions"} 100',
        'http_response_size_bytes_sum{handler="/v1/completions"} 2000',
        'http_request_duration_highr_seconds_bucket{le="1"} 0',
        'http_request_duration_highr_seconds_bucket{le="1.5"} 1',
        'http_request_duration_seconds_count{handler="/v1/completions",method="POST"} 1',
        `vllm:request_success_total{${labels},finished_reason="stop"} 1`,
        `vllm:prompt_tokens_total{${labels}} 7`,
        `vllm:prompt_tokens_cached_total{${labels}} 4`,
        `vllm:generation_tokens_total{${labels}} 11`,
        `vllm:time_to_first_token_seconds_sum{${labels}} 0.11`,
        `vllm:request_prefill_time_seconds_sum{${labels}} 0.1`,
        `vllm:request_time_per_output_token_seconds_sum{${labels}} 0.1`,
        `vllm:request_params_max_tokens_bucket{${labels},le="10"} 0`,
        `vllm:request_params_max_tokens_bucket{${labels},le="20"} 1`,
        `vllm:inter_token_latency_seconds_bucket{${labels},le="0.025"} 1`,
      ]),
    );
  });

  it("leaves probes and scrapes out of vLLM's HTTP series", async () => {
    const metrics = metricsWith();
    metrics.observer.requestFinished({ ...SUMMARY, route: "/health", generation: undefined });

    const series = await seriesOf(metrics);
    expect(series.filter((line) => line.startsWith("http_"))).toEqual([]);
    expect(series).toContain('vllm_router_requests_total{route="/health"} 1');
  });

  it("counts errors, retries and breakers by their kinds", async () => {
    const metrics = metricsWith();
    const { observer } = metrics;
    observer.workerChanged("w1", "ready", "");
    observer.requestFinished({ ...SUMMARY, status: 503, errorCode: "no_worker", generation: undefined });
    observer.retryScheduled("/v1/completions", 2, 75);
    observer.retriesExhausted("/v1/completions");
    observer.breakerChanged("w1", "closed", "open");
    observer.breakerChanged("w1", "open", "half-open");
    observer.attemptEnded("w1", "failure");
    observer.attemptEnded("w1", "rejected");
    observer.attemptEnded("w1", "cancelled");

    expect(await seriesOf(metrics)).toEqual(
      expect.arrayContaining([
        'vllm_router_request_errors_total{route="/v1/completions",error_type="no_worker"} 1',
        'vllm_router_retries_total{route="/v1/completions"} 1',
        'vllm_router_retries_exhausted_total{route="/v1/completions"} 1',
        'vllm_router_retry_backoff_duration_seconds_sum{attempt="2"} 0.075',
        'vllm_router_cb_state{worker="w1"} 2',
        'vllm_router_cb_state_transitions_total{worker="w1",from="closed",to="open"} 1',
        'vllm_router_cb_state_transitions_total{worker="w1",from="open",to="half_open"} 1',
        'vllm_router_cb_outcomes_total{worker="w1",outcome="failure"} 1',
        'vllm_router_cb_outcomes_total{worker="w1",outcome="success"} 1',
      ]),
    );
  });

  it("shows health and load of every registered worker and forgets removed ones", async () => {
    const metrics = metricsWith(
      [
        ["w1", 3],
        ["w2", 0],
      ],
      5,
    );
    const { observer } = metrics;
    observer.workerChanged("w1", "ready", "");
    observer.workerChanged("w2", "starting", "");
    observer.decided("random", "w1", "draw");
    observer.decided("cache_aware", "w2", "balance");
    expect(await seriesOf(metrics)).toEqual(
      expect.arrayContaining([
        "vllm_router_active_workers 2",
        'vllm_router_worker_health{worker="w1"} 1',
        'vllm_router_worker_health{worker="w2"} 0',
        'vllm_router_running_requests{worker="w1"} 3',
        'vllm_router_worker_load{worker="w2"} 0',
        'vllm_router_policy_decisions_total{policy="random",worker="w1"} 1',
        'vllm_router_processed_requests_total{worker="w1"} 1',
        "vllm_router_load_balancing_events_total 1",
        "vllm_router_max_load 3",
        "vllm_router_min_load 0",
        "vllm_router_queued_requests 5",
      ]),
    );

    observer.workerChanged("w1", "removed", "");
    observer.attemptEnded("w1", "success");
    expect((await seriesOf(metrics)).filter((line) => line.includes('"w1"'))).toEqual([]);
    expect(await seriesOf(metrics)).toContain("vllm_router_active_workers 1");
  });
});
