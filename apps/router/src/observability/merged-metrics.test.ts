import { describe, expect, it } from "vitest";
import { mergeMetrics, printMetrics } from "./merged-metrics.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { RequestSummary } from "./router-observer.ts";

const summary: RequestSummary = {
  id: "1",
  route: "/health",
  method: "GET",
  status: 200,
  durationMs: 12,
  requestBytes: 0,
  responseBytes: 0,
  errorCode: undefined,
  generation: undefined,
};

function metricsOf(options: { readonly process: boolean; readonly inFlight?: number }): Metrics {
  const metrics = createMetrics(
    { inFlight: () => [["w", options.inFlight ?? 0]], queued: () => options.inFlight ?? 0 },
    options.process ? { every: () => () => undefined } : undefined,
  );
  metrics.observer.workerChanged("w", "ready", "");
  return metrics;
}

describe("mergeMetrics()", () => {
  it("adds counters and histograms up, takes gauges from the first, and prints as one router does", async () => {
    const fleet = metricsOf({ process: true, inFlight: 3 });
    const threads = [metricsOf({ process: false, inFlight: 7 }), metricsOf({ process: false })];
    threads.forEach(({ observer }) => {
      observer.requestStarted("/health");
      observer.requestFinished(summary);
      observer.requestStarted("/health");
    });
    threads[1]!.observer.requestFinished({ ...summary, route: "/ping", durationMs: 90_000 });
    const dumps = [await fleet.families(), ...(await Promise.all(threads.map((each) => each.families())))];
    const text = await printMetrics(mergeMetrics(dumps));
    const lines = text.split("\n");
    expect(lines).toContain('vllm_router_requests_total{route="/health"} 2');
    expect(lines).toContain('vllm_router_requests_total{route="/ping"} 1');
    expect(lines).toContain('vllm_router_running_requests{worker="w"} 3');
    expect(lines).toContain("vllm_router_queued_requests 3");
    expect(lines).toContain("vllm_router_active_workers 1");
    expect(lines).toContain("vllm_router_in_flight_requests 1");
    expect(lines.filter((line) => line.startsWith("process_cpu_seconds_total "))).toHaveLength(1);
    // Buckets before their sum and count, each combination of labels together.
    const durations = lines.filter((line) => line.startsWith("vllm_router_request_duration_seconds_"));
    const routes = durations.map((line) => /route="([^"]*)"/.exec(line)?.[1]);
    expect(routes).toEqual(
      routes.toSorted((one = "", other = "") => (one < other ? -1 : one > other ? 1 : 0)),
    );
    expect(durations.filter((line) => line.includes("_count"))).toEqual([
      'vllm_router_request_duration_seconds_count{route="/health"} 2',
      'vllm_router_request_duration_seconds_count{route="/ping"} 1',
    ]);
    // The same families in the same form as without threads.
    const alone = metricsOf({ process: true });
    const typesOf = (printed: string): readonly string[] =>
      printed.split("\n").filter((line) => line.startsWith("# TYPE"));
    expect(new Set(typesOf(text))).toEqual(new Set(typesOf(await alone.text())));
  });
});
