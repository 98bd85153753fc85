import type { Snapshot, WorkerView } from "../snapshot.ts";
import { judgeServed, VERDICT_CODE } from "./candidate-filter.ts";

/** The workers of a snapshot that serve a model. */
export interface ModelWorkers {
  readonly workers: readonly WorkerView[];
  /** Sum of their ranks. */
  readonly targets: number;
  /** Highest verdict code of all other workers; -1 when there are none. */
  readonly closestVerdict: number;
}

// Names come from clients: without a bound each wrong one would be remembered.
const MAX_MODELS = 64;

/** Remembers who serves which model, so that a decision does not compare names with every worker of the fleet. */
export class ModelWorkersCache {
  readonly #byModel = new Map<string, ModelWorkers>();
  #snapshot: Snapshot | null = null;

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
    let targets = 0;
    let closestVerdict = -1;
    for (const worker of snapshot.workers) {
      const verdict = judgeServed(worker, model);
      if (verdict === "eligible") {
        workers.push(worker);
        targets += worker.ranks;
      } else {
        closestVerdict = Math.max(closestVerdict, VERDICT_CODE[verdict]);
      }
    }
    const found = { workers, targets, closestVerdict };
    this.#byModel.set(model, found);
    return found;
  }
}
