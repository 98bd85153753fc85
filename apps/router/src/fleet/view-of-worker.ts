import { CONSTRAINT_START_FIELDS, type OptionalField } from "@vllm-router/engine-client";
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
    unsupportedFields: unsupportedFields(worker),
  });
}

/** The sets of dialects without what only engines lack that hold constraints back. */
const FROM_FIRST_TOKEN = new WeakMap<ReadonlySet<OptionalField>, ReadonlySet<OptionalField>>();

function unsupportedFields({ connection, constraintsAwait }: Worker): ReadonlySet<OptionalField> {
  const all = connection.engine.capabilities.unsupportedFields;
  if (constraintsAwait !== undefined) {
    return all;
  }
  let rest = FROM_FIRST_TOKEN.get(all);
  if (rest === undefined) {
    const startFields: ReadonlySet<OptionalField> = new Set(CONSTRAINT_START_FIELDS);
    rest = new Set([...all].filter((field) => !startFields.has(field)));
    FROM_FIRST_TOKEN.set(all, rest);
  }
  return rest;
}
