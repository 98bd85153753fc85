import type { WorkerSlot } from "../snapshot.ts";

/** What a leg of a decision is for: `serve` does the whole generation, the others are a disaggregated pair. */
export type LegRole = "serve" | "prefill" | "decode";

/** One worker's part in a decision. */
export interface DecisionLeg {
  readonly role: LegRole;
  /** The worker's id (its URL). */
  readonly worker: string;
  readonly rank: number;
  /** The slot of that rank. */
  readonly slot: WorkerSlot;
  /** Prompt tokens the worker is believed to have in its cache. */
  readonly matchedTokens: number;
}

/** Why a worker was chosen. */
export const PLACE_REASONS = [
  "only_candidate",
  "prefix",
  "least_loaded",
  "balance",
  "affinity",
  "affinity_fallback",
  "turn",
  "draw",
  "score",
] as const;

/**
 * One of {@link PLACE_REASONS}: the only one left; holds the longest prefix; fewest in flight; fewest in flight although
 * another holds the prefix; owns the key; next after the key's owner, which is not available; its turn; drawn; best score.
 */
export type PlaceReason = (typeof PLACE_REASONS)[number];

/** Why no worker can be chosen, now or ever; see {@link NoneDecision}. */
export const NONE_REASONS = [
  "no_workers",
  "model_not_found",
  "unsupported_field",
  "rank_not_found",
  "unhealthy",
  "draining",
  "breaker_open",
  "all_excluded",
] as const;

/** One of {@link NONE_REASONS}: what stopped the worker that came closest. */
export type NoneReason = (typeof NONE_REASONS)[number];

/** A worker has been chosen. */
export interface PlaceDecision {
  readonly kind: "place";
  /** One `serve` leg, or a `prefill` and a `decode` leg. Never empty. */
  readonly legs: readonly DecisionLeg[];
  readonly reason: PlaceReason;
  /** Length of the prompt as the decision saw it, in tokens. */
  readonly promptTokens: number;
  /** Index of the chosen candidate in the input. */
  readonly candidate: number;
  /** Index of the candidate that would have come next, or -1. */
  readonly runnerUp: number;
  /** Number of candidates that were equally good, the chosen one included; above 1 a draw decided among them. */
  readonly tied: number;
  /** The policy's score per candidate, higher is better. Reused by the next decision: copy what you keep. */
  readonly scores: Float64Array;
  /** Which input this belongs to; `settle` takes only a decision on the latest input. */
  readonly inputSequence: number;
}

/** Workers could serve it, but all are at their limit: ask again after a release or a new snapshot. */
export interface WaitDecision {
  readonly kind: "wait";
  readonly reason: "full";
}

/** No worker can serve it now. Only a new snapshot, or fewer exclusions after `all_excluded`, can change that. */
export interface NoneDecision {
  readonly kind: "none";
  readonly reason: NoneReason;
}

/** What `decide` answers. */
export type Decision = PlaceDecision | WaitDecision | NoneDecision;
