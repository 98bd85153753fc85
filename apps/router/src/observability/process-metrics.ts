import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";
import { LoopDelayMonitor, type Ticking } from "./loop-delays.ts";

/** Prom-client's own measuring of the loop, every ten milliseconds by default, never happens. */
const NEVER_MS = 2 ** 31 - 1;

/** Gauges of the event loop's delays as prom-client explains them; `nodejs_eventloop_lag_NAME_seconds`. */
const DELAYS = [
  ["min", "The minimum recorded event loop delay."],
  ["max", "The maximum recorded event loop delay."],
  ["mean", "The mean of the recorded event loop delays."],
  ["stddev", "The standard deviation of the recorded event loop delays."],
  ["p50", "The 50th percentile of the recorded event loop delays."],
  ["p90", "The 90th percentile of the recorded event loop delays."],
  ["p99", "The 99th percentile of the recorded event loop delays."],
] as const;

/** prom-client's series of the process; but the loop's delays are not measured where there is no work for it to be late with. */
export function processMetrics(registry: Registry, timers: Ticking): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS });
  const monitor = new LoopDelayMonitor(timers);
  const gauges = DELAYS.map(([key, help], index) => {
    const name = `nodejs_eventloop_lag_${key}_seconds`;
    registry.removeSingleMetric(name);
    // The first one that is asked for its value sets all of them.
    const gauge = new Gauge({
      name,
      help,
      registers: [registry],
      ...(index === 0 ? { collect: setAll } : {}),
    });
    return { key, gauge };
  });
  function setAll(): void {
    const delays = monitor.take();
    for (const { key, gauge } of gauges) {
      gauge.set(delays[key]);
    }
  }
}
