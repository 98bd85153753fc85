import type { OptionalField } from "@vllm-router/engine-client";
import type { Snapshot, WorkerView } from "@vllm-router/routing-core";
import type { Lane } from "../fleet/lane.ts";

/** The fleet as far as the choice of a lane goes. */
export interface LaneFleet {
  snapshot(lane: Lane): Snapshot;
}

/** True when every worker that has answered so far speaks HTTP: then the router passes on whatever it does not know. */
export function isHttpOnly(fleet: LaneFleet): boolean {
  return fleet.snapshot("token").workers.length === 0 && fleet.snapshot("proxy").workers.length > 0;
}

/**
 * The lane of a request: tokens where a gRPC worker serves its model, else the proxy where an HTTP worker does. A lane
 * whose workers are all unhealthy gives way to the other one. `name` is asked for only in a mixed fleet; empty means
 * the default model.
 */
export function chooseLane(fleet: LaneFleet, name: () => string): Lane {
  const tokenWorkers = fleet.snapshot("token").workers;
  const proxyWorkers = fleet.snapshot("proxy").workers;
  if (proxyWorkers.length === 0) {
    return "token";
  }
  if (tokenWorkers.length === 0) {
    return "proxy";
  }
  const model = name();
  if (model === "") {
    return "token";
  }
  const onToken = standing(tokenWorkers, model);
  const onProxy = standing(proxyWorkers, model);
  return onProxy > onToken ? "proxy" : "token";
}

/**
 * The name under which an HTTP worker can take a request that needs fields which no gRPC worker of its model carries, or
 * none that is healthy while an HTTP worker is.
 * @returns undefined when the token lane is to carry them, or no HTTP worker serves the model
 */
export function proxyNameFor(
  fleet: LaneFleet,
  names: readonly string[],
  fields: readonly OptionalField[],
): string | undefined {
  if (fleet.snapshot("proxy").workers.length === 0) {
    return undefined;
  }
  const able = fleet
    .snapshot("token")
    .workers.filter(
      (worker) =>
        names.some((name) => serves(worker, name)) &&
        fields.every((field) => !worker.unsupportedFields.has(field)),
    );
  if (able.some((worker) => worker.isHealthy)) {
    return undefined;
  }
  const { workers } = fleet.snapshot("proxy");
  const healthy = names.find((name) => workers.some((worker) => worker.isHealthy && serves(worker, name)));
  return healthy ?? (able.length > 0 ? undefined : proxyNameOf(fleet, names));
}

/** The first of the names that an HTTP worker serves; undefined when none does. */
export function proxyNameOf(fleet: LaneFleet, names: readonly string[]): string | undefined {
  const { workers } = fleet.snapshot("proxy");
  return names.find((name) => workers.some((worker) => serves(worker, name)));
}

/** 2: a healthy worker serves the model, 1: a sick one, 0: none. */
function standing(workers: readonly WorkerView[], model: string): 0 | 1 | 2 {
  let best: 0 | 1 = 0;
  for (const worker of workers) {
    if (!serves(worker, model)) {
      continue;
    }
    if (worker.isHealthy) {
      return 2;
    }
    best = 1;
  }
  return best;
}

function serves(worker: WorkerView, model: string): boolean {
  return worker.models.length === 0 || worker.models.includes(model);
}
