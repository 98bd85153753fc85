import type { PlaceReason } from "../decision/decision.ts";
import type { DecisionInput } from "../decision/decision-input.ts";
import type { Generation } from "../generation.ts";
import type { Snapshot } from "../snapshot.ts";

/** A policy's answer; reused. */
export interface Choice {
  /** Index of the chosen candidate. */
  candidate: number;
  /** Index of the next best, or -1. */
  runnerUp: number;
  /** Candidates as good as the chosen one, itself included. */
  tied: number;
  reason: PlaceReason;
}

/**
 * Chooses among candidates. The choice itself (`choose`) is a pure function of the input; what a policy remembers between
 * decisions enters the input in `gather` and is changed in `settle`, so that a recorded input decides the same again. What
 * threads may only have once each (turns) is taken in `gather` already, and is gone if nothing is placed.
 */
export interface Policy {
  readonly name: string;
  readonly parameters: Readonly<Record<string, number>>;
  /** Random numbers wanted in `input.draws`. */
  readonly drawCount: number;
  /** Whether `matchedTokens` is wanted and placements are to be recorded in the prefix index. */
  readonly usesPrefix: boolean;
  /** Whether the engines' own figures are wanted: then they are asked for them. Default false. */
  readonly usesEngineLoad?: boolean;
  /** Values kept per candidate in `input.policyValues`. Default 1. */
  readonly valueCount?: number;
  /** Puts the policy's state into `input.policyValues`. Called with at least one candidate. */
  gather?(context: PolicyContext): void;
  /** Fills `choice` and `input.scores`. Called with at least one candidate; must not keep or change anything else. */
  choose(input: DecisionInput, choice: Choice): void;
  /** The chosen candidate has been booked. */
  settle?(context: PolicyContext, candidate: number): void;
  /** What its scores are the sum of, for records; asked after `choose` on the same input. */
  breakdown?(input: DecisionInput): readonly ScorePart[];
}

/** One part of a policy's score, for the record of a decision. */
export interface ScorePart {
  readonly name: string;
  readonly weight: number;
  /** Per candidate, before the weight. */
  readonly raw: readonly number[];
}

/** Which policy decides, where that can change: a dispatcher asks before each decision. */
export interface PolicySource {
  readonly current: Policy;
}

/** What a policy sees where its state meets the input. */
export interface PolicyContext {
  readonly input: DecisionInput;
  readonly generation: Generation;
  readonly snapshot: Snapshot;
}
