import type { Snapshot, WorkerView } from "../snapshot.ts";
import { judgeServed, VERDICT_CODE } from "./candidate-filter.ts";
import type { LegRole } from "./decision.ts";
import type { CandidateColumns } from "./decision-input.ts";

/** The workers of a snapshot that serve a model. */
export interface ModelWorkers {
  readonly workers: readonly WorkerView[];
  /** Their ranks. */
  readonly columns: CandidateColumns;
  /** None of them has anything against it but what changes from one generation to the next. */
  readonly areAllWell: boolean;
  /** Highest verdict code of all other workers; -1 when there are none. */
  readonly closestVerdict: number;
}

// Names come from clients: without a bound each wrong one would be remembered.
const MAX_MODELS = 64;

/** Remembers who serves which model, so that a decision does not compare names with every worker of the fleet. */
export class ModelWorkersCache {
  readonly #byModel = new Map<string, ModelWorkers>();
  readonly #role: LegRole;
  #snapshot: Snapshot | null = null;

  /** `role`: which part of a generation the workers are for. */
  constructor(role: LegRole = "serve") {
    this.#role = role;
  }

  get(snapshot: Snapshot, model: string): ModelWorkers {
    if (snapshot !== this.#snapshot || this.#byModel.size > MAX_MODELS) {
      this.#byModel.clear();
      this.#snapshot = snapshot;
    }
    const known = this.#byModel.get(model);
    if (known !== undefined) {
      return known;
    }
    const workers: WorkerView[] = [];
    let closestVerdict = -1;
    for (const worker of snapshot.workers) {
      const verdict = judgeServed(worker, model, this.#role);
      if (verdict === "eligible") {
        workers.push(worker);
      } else {
        closestVerdict = Math.max(closestVerdict, VERDICT_CODE[verdict]);
      }
    }
    const found = { workers, columns: columnsOf(workers), areAllWell: workers.every(isWell), closestVerdict };
    this.#byModel.set(model, found);
    return found;
  }
}

function isWell(worker: WorkerView): boolean {
  return (
    worker.isHealthy && !worker.isDraining && worker.breaker !== "open" && worker.maxInFlightPerRank === 0
  );
}

function columnsOf(workers: readonly WorkerView[]): CandidateColumns {
  const targets = workers.flatMap((worker) =>
    Array.from({ length: worker.ranks }, (_, rank) => ({ worker, rank })),
  );
  return {
    ids: targets.map(({ worker }) => worker.id),
    slots: Int32Array.from(targets, ({ worker, rank }) => worker.slot + rank),
    ranks: Int32Array.from(targets, ({ rank }) => rank),
    weights: Float64Array.from(targets, ({ worker }) => worker.weight),
    costs: Float64Array.from(targets, ({ worker }) => worker.cost),
  };
}
