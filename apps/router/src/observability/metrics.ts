import { Registry } from "prom-client";
import { decisionMetrics } from "./decision-metrics.ts";
import type { DecisionObserver } from "./decision-observer.ts";
import { FrontendMetrics } from "./frontend-metrics.ts";
import type { HistogramCell, PrintedMetric } from "./metric-cells.ts";
import type { Ticking } from "./loop-delays.ts";
import { processMetrics } from "./process-metrics.ts";
import { RouterMetrics, type MetricSources } from "./router-metrics.ts";
import type { RouterObserver } from "./router-observer.ts";

/** Content type of `GET /metrics` as vLLM 0.32 sends it. */
export const METRICS_CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8";

/** Everything the router counts. */
export interface Metrics {
  /** Feeds the metrics. */
  readonly observer: RouterObserver;
  /** Feeds the metrics of shadow policies, the user's own policy and the decision log. */
  readonly decisionObserver: DecisionObserver;
  /** Where gaps between outputs are counted for one model, in seconds: to be looked up once a request, not once a token. */
  gapCell(model: string): HistogramCell;
  /** All series in Prometheus' text format; send it as {@link METRICS_CONTENT_TYPE}. */
  text(): Promise<string>;
  /** The same as data, for another thread. */
  families(): Promise<readonly PrintedMetric[]>;
}

/**
 * Creates the router's metrics: its own series, vLLM's front-end series, and the process's.
 * @param timers undefined leaves the process's out, of which one thread tells for all
 */
export function createMetrics(sources: MetricSources, timers: Ticking | undefined): Metrics {
  const registry = new Registry();
  const router = new RouterMetrics(registry, sources);
  const frontend = new FrontendMetrics(registry);
  const decisionObserver = decisionMetrics(registry);
  if (timers !== undefined) {
    processMetrics(registry, timers);
  }
  return {
    decisionObserver,
    observer: {
      ...router.observer,
      requestFinished: (summary) => {
        router.observer.requestFinished(summary);
        frontend.requestFinished(summary);
      },
      // Counted through gapCell: a call per token is too dear for a look-up by model.
      internalError: () => undefined,
    },
    gapCell: (model) => frontend.gapCell(model),
    text: () => {
      router.refresh();
      return registry.metrics();
    },
    families: async () => {
      router.refresh();
      return (await registry.getMetricsAsJSON()) as unknown as readonly PrintedMetric[];
    },
  };
}
