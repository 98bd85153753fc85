import { RoutingError } from "./routing-error.ts";

/**
 * Small integer that names one routing target (a worker's DP rank) in the ledger and in the prefix index. A worker with
 * N ranks owns N consecutive slots, `slot` … `slot + N - 1`; they stay its own for its whole life (`WorkerSlots`).
 */
export type WorkerSlot = number;

/** A circuit breaker's state as the fleet last published it. */
export type BreakerState = "closed" | "open" | "half-open";

/** What a worker may be used for; `any` serves whole generations, the others are legs of a disaggregated pair. */
export type WorkerRole = "any" | "prefill" | "decode";

/** One worker as the fleet last saw it. Immutable. */
export interface WorkerView {
  /** First of the worker's slots. */
  readonly slot: WorkerSlot;
  /** The worker's URL; unique in a snapshot. */
  readonly id: string;
  /** Served model names and aliases; empty when the worker takes any name. */
  readonly models: readonly string[];
  readonly role: WorkerRole;
  /** Number of DP ranks, at least 1. */
  readonly ranks: number;
  readonly isHealthy: boolean;
  readonly isDraining: boolean;
  readonly breaker: BreakerState;
  /** Relative share of traffic, 1 by default. */
  readonly weight: number;
  /** Relative price of a token here, 1 by default. */
  readonly cost: number;
  /** Request fields the worker cannot express; `requiredFields` is checked against it. */
  readonly unsupportedFields: ReadonlySet<string>;
  /** Most generations in flight on one rank; 0 means no limit. When all candidates are full the decision is `wait`. */
  readonly maxInFlightPerRank: number;
}

/** Immutable view of the fleet, published by its slow half. */
export interface Snapshot {
  /** Grows with every published snapshot. */
  readonly version: number;
  readonly publishedAtMs: number;
  readonly workers: readonly WorkerView[];
}

/** The facts a {@link WorkerView} cannot do without; everything else has a default. */
export type WorkerDescription = Pick<WorkerView, "slot" | "id"> & Partial<WorkerView>;

const NOTHING_UNSUPPORTED: ReadonlySet<string> = new Set();

/** Fills in the defaults: healthy, closed, not draining, one rank, any model, weight and cost 1, no limit. */
export function createWorkerView(description: WorkerDescription): WorkerView {
  return Object.freeze({
    models: [],
    role: "any",
    ranks: 1,
    isHealthy: true,
    isDraining: false,
    breaker: "closed",
    weight: 1,
    cost: 1,
    unsupportedFields: NOTHING_UNSUPPORTED,
    maxInFlightPerRank: 0,
    ...description,
  } satisfies WorkerView);
}

/**
 * Checks what the decision relies on (unique ids, ranks of at least 1, slots that do not overlap) and freezes.
 * Throws `RoutingError("invalid_parameter")` naming the worker.
 */
export function createSnapshot(options: {
  readonly version: number;
  readonly publishedAtMs: number;
  readonly workers: readonly WorkerView[];
}): Snapshot {
  const ids = new Set<string>();
  const slots = new Set<WorkerSlot>();
  for (const worker of options.workers) {
    if (ids.has(worker.id)) {
      throw new RoutingError("invalid_parameter", `worker ${worker.id} appears twice in one snapshot`);
    }
    ids.add(worker.id);
    if (!Number.isInteger(worker.ranks) || worker.ranks < 1) {
      throw new RoutingError(
        "invalid_parameter",
        `worker ${worker.id}: ranks must be an integer of at least 1`,
      );
    }
    for (let rank = 0; rank < worker.ranks; rank += 1) {
      const slot = worker.slot + rank;
      if (!Number.isInteger(slot) || slot < 0 || slots.has(slot)) {
        throw new RoutingError("invalid_parameter", `worker ${worker.id}: slot ${slot} is invalid or taken`);
      }
      slots.add(slot);
    }
  }
  return Object.freeze({ ...options, workers: Object.freeze([...options.workers]) });
}
