import type { EngineAdapters, EngineLoadReader } from "../engine-load.ts";
import type { Generation } from "../generation.ts";
import type { Ledger } from "../ledger.ts";
import type { Policy } from "../policy/policy.ts";
import type { BreakerGuard } from "../resilience/breaker-board.ts";
import type { Snapshot, WorkerView } from "../snapshot.ts";
import { judgeAvailable, VERDICT_CODE } from "./candidate-filter.ts";
import type { LegRole } from "./decision.ts";
import type { DecisionInputBuffer } from "./decision-input.ts";
import { ModelWorkersCache } from "./model-workers.ts";

/** What a {@link CandidateGatherer} reads. */
export interface CandidateSources {
  readonly ledger: Ledger;
  readonly loads: EngineLoadReader | undefined;
  readonly breakers: BreakerGuard | undefined;
  /** Which part of a generation candidates are for. Default `serve`. */
  readonly role?: LegRole | undefined;
}

/**
 * Writes the candidates of a generation and their load into an input. Where nobody has anything against it, which is
 * nearly always, the whole fleet is copied column by column: the cost per worker is a few nanoseconds.
 */
export class CandidateGatherer {
  readonly #input: DecisionInputBuffer;
  readonly #sources: CandidateSources;
  readonly #modelWorkers: ModelWorkersCache;
  /** Whose adapter the engines' figures are still to be filled in for; null when they have been. */
  #unfilled: Generation | null = null;
  /** Whether the worker's own breaker, as this thread knows it, admits a generation now. */
  readonly admits: (worker: WorkerView) => boolean;

  constructor(input: DecisionInputBuffer, sources: CandidateSources) {
    const { breakers } = sources;
    this.#input = input;
    this.#sources = sources;
    this.#modelWorkers = new ModelWorkersCache(sources.role);
    this.admits = breakers === undefined ? () => true : (worker) => breakers.admits(worker.slot, input.atMs);
  }

  /**
   * Begins a new input: candidates, `closestVerdict`, and the figures of ledger and engines; those of the engines only where
   * the policy looks at them: see `complete`.
   */
  gather(generation: Generation, snapshot: Snapshot, policy: Policy): void {
    const input = this.#input;
    const { breakers } = this.#sources;
    const { workers, columns, areAllWell, closestVerdict } = this.#modelWorkers.get(
      snapshot,
      generation.model,
    );
    input.begin({
      candidates: columns.slots.length,
      drawCount: policy.drawCount,
      valueCount: policy.valueCount ?? 1,
    });
    if (areAllWell && asksForNothing(generation) && (breakers === undefined || breakers.admitsAll())) {
      input.takeAll(columns);
      input.closestVerdict = workers.length > 0 ? VERDICT_CODE.eligible : closestVerdict;
    } else {
      input.closestVerdict = this.#judge(workers, generation, closestVerdict);
    }
    input.clearFigures();
    this.#sources.ledger.readInto(input, input.slots, input.candidateCount);
    this.#unfilled = generation;
    if (policy.usesEngineLoad === true) {
      this.complete();
    }
  }

  /** Fills in what engines last reported, where the policy did not want it. */
  complete(): void {
    if (this.#unfilled !== null) {
      this.#fillLoads(this.#unfilled);
      this.#unfilled = null;
    }
  }

  /** @returns the highest verdict code of any worker */
  #judge(workers: readonly WorkerView[], generation: Generation, closestOfOthers: number): number {
    let closest = closestOfOthers;
    for (const worker of workers) {
      const verdict = judgeAvailable(worker, generation, this.admits);
      const isCandidate = verdict === "eligible" && this.#addRanks(worker, generation);
      const code = verdict === "eligible" && !isCandidate ? VERDICT_CODE.full : VERDICT_CODE[verdict];
      closest = Math.max(closest, code);
    }
    return closest;
  }

  /** Adds the worker's ranks that are below its limit; false when there is none. */
  #addRanks(worker: WorkerView, generation: Generation): boolean {
    const input = this.#input;
    const { ledger } = this.#sources;
    const first = generation.rank ?? 0;
    const end = generation.rank === undefined ? worker.ranks : first + 1;
    let isAdded = false;
    for (let rank = first; rank < end; rank += 1) {
      const slot = worker.slot + rank;
      if (worker.maxInFlightPerRank > 0 && ledger.requests(slot) >= worker.maxInFlightPerRank) {
        continue;
      }
      isAdded = true;
      const candidate = input.addCandidate(worker.id, slot, rank);
      input.weights[candidate] = worker.weight;
      input.costs[candidate] = worker.cost;
    }
    return isAdded;
  }

  #fillLoads({ loraName }: Generation): void {
    const input = this.#input;
    const { loads } = this.#sources;
    const { slots, candidateCount: count } = input;
    input.loraAffinity.fill(NaN, 0, count);
    if (loads === undefined) {
      input.runningRequests.fill(NaN, 0, count);
      input.waitingRequests.fill(NaN, 0, count);
      input.kvCacheUsage.fill(NaN, 0, count);
      input.loadAgeMs.fill(Infinity, 0, count);
      input.foreignRequests.fill(0, 0, count);
      return;
    }
    loads.readInto(input, { slots, count, nowMs: input.atMs });
    if (loraName !== undefined) {
      for (let candidate = 0; candidate < count; candidate += 1) {
        input.loraAffinity[candidate] = affinityTo(loraName, loads.adapters(slots[candidate]!));
      }
    }
  }
}

/** True when nothing but load and health can keep a worker of the model from serving it. */
function asksForNothing({ requiredFields, excludedWorkers, rank }: Generation): boolean {
  return requiredFields.length === 0 && excludedWorkers.length === 0 && rank === undefined;
}

/** The values of llm-d's lora-affinity-scorer. */
function affinityTo(name: string, adapters: EngineAdapters | undefined): number {
  if (adapters === undefined) {
    return NaN;
  }
  const { running, waiting, capacity } = adapters;
  if (running.includes(name)) {
    return 1;
  }
  if (waiting.includes(name)) {
    return 0.6;
  }
  return capacity === 0 || running.length + waiting.length < capacity ? 0.8 : 0;
}
