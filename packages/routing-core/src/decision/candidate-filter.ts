import type { Generation } from "../generation.ts";
import type { WorkerView } from "../snapshot.ts";
import type { LegRole, NoneReason } from "./decision.ts";

/**
 * What a worker was found to be, from the first gate it can fail to the last. The order matters: when nobody is eligible,
 * the highest verdict reached tells how close the fleet came.
 */
export const VERDICTS = [
  "wrong_role",
  "wrong_model",
  "unsupported_field",
  "wrong_rank",
  "unhealthy",
  "draining",
  "breaker_open",
  "excluded",
  "full",
  "eligible",
] as const;

/** One of {@link VERDICTS}. */
export type Verdict = (typeof VERDICTS)[number];

/** Index of {@link VERDICTS}: the form in which verdicts are kept per worker. */
export const VERDICT_CODE = Object.freeze(
  Object.fromEntries(VERDICTS.map((verdict, code) => [verdict, code])),
) as Readonly<Record<Verdict, number>>;

/** Why there was nothing to choose from, given the highest verdict code of any worker; see {@link VERDICTS}. */
export const NONE_REASON_OF: Readonly<Record<Exclude<Verdict, "full" | "eligible">, NoneReason>> = {
  wrong_role: "model_not_found",
  wrong_model: "model_not_found",
  unsupported_field: "unsupported_field",
  wrong_rank: "rank_not_found",
  unhealthy: "unhealthy",
  draining: "draining",
  breaker_open: "breaker_open",
  excluded: "all_excluded",
};

/** Whether the worker's own breaker, as this thread knows it, admits a generation at this instant. */
export type BreakerGate = (worker: WorkerView) => boolean;

/** First part of the verdict: what depends on the snapshot and the model's name only. */
export function judgeServed(
  worker: WorkerView,
  model: string,
  role: LegRole = "serve",
): "wrong_role" | "wrong_model" | "eligible" {
  if (worker.role !== (role === "serve" ? "any" : role)) {
    return "wrong_role";
  }
  return model !== "" && worker.models.length > 0 && !worker.models.includes(model)
    ? "wrong_model"
    : "eligible";
}

/**
 * Second part: everything about a worker that serves the model but its load; `eligible` where only that is left.
 */
export function judgeAvailable(worker: WorkerView, generation: Generation, admits: BreakerGate): Verdict {
  if (generation.requiredFields.length > 0 && firstUnsupportedField(worker, generation) !== undefined) {
    return "unsupported_field";
  }
  if (generation.rank !== undefined && (generation.rank < 0 || generation.rank >= worker.ranks)) {
    return "wrong_rank";
  }
  if (!worker.isHealthy) {
    return "unhealthy";
  }
  if (worker.isDraining) {
    return "draining";
  }
  if (worker.breaker === "open" || !admits(worker)) {
    return "breaker_open";
  }
  if (generation.excludedWorkers.length > 0 && generation.excludedWorkers.includes(worker.id)) {
    return "excluded";
  }
  return "eligible";
}

/** The first required field that the worker's dialect cannot express. */
export function firstUnsupportedField(worker: WorkerView, generation: Generation): string | undefined {
  if (worker.unsupportedFields.size === 0) {
    return undefined;
  }
  return generation.requiredFields.find((field) => worker.unsupportedFields.has(field));
}
