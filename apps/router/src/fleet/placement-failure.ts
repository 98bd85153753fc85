import type { Decision, Generation, NoneReason, PlaceDecision, Snapshot } from "@vllm-router/routing-core";
import type { PlacementFailure } from "../pipeline/placement.ts";

/** Sentences for people, by what stopped the worker that came closest. */
const NONE_MESSAGES: Readonly<Record<NoneReason, string>> = {
  no_workers: "No engine is ready.",
  model_not_found: "No engine serves this model.",
  unsupported_field: "No engine can carry a field of this request.",
  rank_not_found: "No engine has the data-parallel rank that was asked for.",
  unhealthy: "No engine is healthy.",
  draining: "Every engine is draining.",
  breaker_open: "Every engine failed repeatedly and is left alone for a while.",
  all_excluded: "Every engine failed this request.",
};

/** The worker that was chosen has just gone. */
export const NO_ENGINE: PlacementFailure = failure(NONE_MESSAGES.no_workers);

/** No worker computes the prompt, and the decode worker must not. */
export const NO_PREFILL_ENGINE: PlacementFailure = failure("No prefill engine is ready.");

/** Why nothing was chosen, for the client. */
export function placementFailure(
  decision: Exclude<Decision, PlaceDecision>,
  about: {
    readonly generation: Generation;
    readonly snapshot: Snapshot;
    /** Which engines are not ready and why. */
    readonly readinessProblem: () => string;
  },
): PlacementFailure {
  const { generation, snapshot, readinessProblem } = about;
  if (decision.kind === "wait") {
    return failure("Every engine is at its limit.");
  }
  if (decision.reason === "rank_not_found") {
    return rankFailure(snapshot, generation);
  }
  const field = decision.reason === "unsupported_field" ? uncarriedField(snapshot, generation) : undefined;
  const detail =
    decision.reason === "no_workers" || decision.reason === "unhealthy" ? ` ${readinessProblem()}` : "";
  return {
    code: field === undefined ? "no_worker" : "unsupported_field",
    message: `${NONE_MESSAGES[decision.reason]}${detail}`.trim(),
    field,
  };
}

function failure(message: string): PlacementFailure {
  return { code: "no_worker", message, field: undefined };
}

/** A rank that no worker of the model has, in vLLM's words. */
function rankFailure(snapshot: Snapshot, { model, rank }: Generation): PlacementFailure {
  const ranks = snapshot.workers
    .filter((worker) => worker.models.includes(model))
    .map((worker) => worker.ranks);
  const message = `data_parallel_rank ${rank} is out of range [0, ${Math.max(1, ...ranks)}).`;
  return { code: "rank_out_of_range", message, field: undefined };
}

/** The field to be named in a refusal: one that no worker of the model can carry, else one that some cannot. */
function uncarriedField(snapshot: Snapshot, { model, requiredFields }: Generation): string | undefined {
  const workers = snapshot.workers.filter(
    (worker) => model === "" || worker.models.length === 0 || worker.models.includes(model),
  );
  const isUncarried = (field: string, by: "every" | "some"): boolean =>
    workers[by]((worker) => worker.unsupportedFields.has(field));
  return (
    requiredFields.find((field) => isUncarried(field, "every")) ??
    requiredFields.find((field) => isUncarried(field, "some"))
  );
}
