import { Registry } from "prom-client";
import { registerCellMetric, type PrintedMetric, type PrintedValue } from "./metric-cells.ts";

/** Gauges that every thread counts for itself; any other gauge is about the whole router, and only one thread knows it. */
const COUNTED_GAUGES: ReadonlySet<string> = new Set(["vllm_router_in_flight_requests"]);

/**
 * One view of the metrics of several threads: counters and histograms are added up, gauges are those of the first.
 * @param dumps what each thread has, the first of them the fleet's
 */
export function mergeMetrics(dumps: readonly (readonly PrintedMetric[])[]): readonly PrintedMetric[] {
  const merged = new Map<string, { family: PrintedMetric; values: Map<string, PrintedValue> }>();
  for (const [at, dump] of dumps.entries()) {
    for (const family of dump) {
      const isOfOne = family.type === "gauge" && !COUNTED_GAUGES.has(family.name);
      if (isOfOne && at > 0) {
        continue;
      }
      let into = merged.get(family.name);
      if (into === undefined) {
        into = { family, values: new Map() };
        merged.set(family.name, into);
      }
      for (const value of family.values) {
        const key = `${value.metricName ?? ""}\n${JSON.stringify(value.labels)}`;
        const known = into.values.get(key);
        into.values.set(key, known === undefined ? value : { ...value, value: known.value + value.value });
      }
    }
  }
  return Array.from(merged.values(), ({ family, values }) => ({
    ...family,
    values: inOrder([...values.values()]),
  }));
}

/** Prints families in Prometheus' text format. */
export function printMetrics(families: readonly PrintedMetric[]): Promise<string> {
  const registry = new Registry();
  for (const family of families) {
    registerCellMetric(registry, {
      name: family.name,
      get: () => Promise.resolve(family),
      remove: () => undefined,
      reset: () => undefined,
    });
  }
  return registry.metrics();
}

/** The values of one combination of labels together, in the order in which they first came: buckets before sum and count. */
function inOrder(values: readonly PrintedValue[]): readonly PrintedValue[] {
  const groups = new Map<string, PrintedValue[]>();
  for (const value of values) {
    const { le: _bound, ...labels } = value.labels;
    const key = JSON.stringify(labels);
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, [value]);
    } else {
      group.push(value);
    }
  }
  return [...groups.values()].flat();
}
