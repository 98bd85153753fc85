import {
  createWorkerView,
  type BreakerState,
  type WorkerRole,
  type WorkerView,
} from "@vllm-router/routing-core";
import type { Worker } from "./worker.ts";

/** A worker as snapshots have it. */
export function viewOfWorker(
  worker: Worker,
  standing: { readonly isHealthy: boolean; readonly breaker: BreakerState; readonly role?: WorkerRole },
): WorkerView {
  return createWorkerView({
    slot: worker.slot,
    id: worker.id,
    models: worker.modelNames,
    ranks: worker.ranks,
    ...standing,
    unsupportedFields: worker.connection.engine.capabilities.unsupportedFields,
  });
}
