import type { Generation } from "../generation.ts";
import { createPolicy } from "../policy/policy-registry.ts";
import type { Policy, ScorePart } from "../policy/policy.ts";
import { RoutingError } from "../routing-error.ts";
import { type Verdict, VERDICTS } from "./candidate-filter.ts";
import { decide } from "./decide.ts";
import type { Decision, DecisionLeg, LegRole, NoneReason, PlaceReason } from "./decision.ts";
import { type DecisionInput, DecisionInputBuffer } from "./decision-input.ts";

/** One candidate as the policy saw it. Null where an engine has reported nothing. */
export interface RecordedCandidate {
  readonly worker: string;
  readonly slot: number;
  readonly rank: number;
  readonly matchedTokens: number;
  readonly inFlightRequests: number;
  readonly prefillTokens: number;
  readonly decodeTokens: number;
  readonly runningRequests: number | null;
  readonly waitingRequests: number | null;
  readonly kvCacheUsage: number | null;
  readonly loadAgeMs: number | null;
  readonly foreignRequests: number;
  /** Null where no adapter is asked for or the engine does not tell; see `DecisionInput.loraAffinity`. */
  readonly loraAffinity: number | null;
  readonly weight: number;
  readonly cost: number;
  readonly policyValues: readonly number[];
}

/** A `DecisionInput` as plain data that survives JSON. Holds no prompt and no key. */
export interface RecordedInput {
  readonly policy: string;
  readonly policyParameters: Readonly<Record<string, number>>;
  /** Which leg it decides; absent for a whole generation. */
  readonly role?: LegRole;
  readonly atMs: number;
  readonly snapshotVersion: number;
  readonly snapshotAgeMs: number;
  readonly closestVerdict: Verdict | null;
  readonly promptTokens: number;
  readonly maxTokens: number;
  readonly valueCount: number;
  readonly draws: readonly number[];
  readonly candidates: readonly RecordedCandidate[];
}

/** A decision as plain data, with the scores copied. */
export type RecordedDecision =
  | {
      readonly kind: "place";
      readonly legs: readonly DecisionLeg[];
      readonly reason: PlaceReason;
      readonly candidate: number;
      readonly runnerUp: number;
      readonly tied: number;
      /** Higher is better; one per candidate. */
      readonly scores: readonly number[];
    }
  | { readonly kind: "wait"; readonly reason: "full" }
  | { readonly kind: "none"; readonly reason: NoneReason };

/** A worker that was no candidate, and why. */
export interface RecordedExclusion {
  readonly worker: string;
  readonly verdict: Exclude<Verdict, "eligible">;
  /** The request field it cannot express, with the verdict `unsupported_field`. */
  readonly field?: string;
}

/** One part of the scores: the raw figure of every candidate, and what it counts. */
export interface RecordedScorePart extends ScorePart {
  /** `raw` times `weight`. */
  readonly weighted: readonly number[];
}

/** All that is needed to explain a decision and to decide it again. */
export interface DecisionRecord {
  readonly requestId: string;
  readonly model: string;
  readonly input: RecordedInput;
  readonly exclusions: readonly RecordedExclusion[];
  readonly decision: RecordedDecision;
  /** What the scores are the sum of; empty for a policy whose score is one figure, or without a choice to make. */
  readonly scoreParts: readonly RecordedScorePart[];
}

/** Copies an input and the decision on it. */
export function recordDecision(options: {
  readonly generation: Generation;
  readonly input: DecisionInput;
  readonly exclusions: readonly RecordedExclusion[];
  readonly decision: Decision;
  readonly policy: Policy;
}): DecisionRecord {
  const { generation, input, exclusions, decision, policy } = options;
  const hasChosen = decision.kind === "place" && input.candidateCount > 1;
  const parts = hasChosen ? (policy.breakdown?.(input) ?? []) : [];
  return {
    requestId: generation.requestId,
    model: generation.model,
    input: recordInput(input),
    exclusions,
    decision: plainDecision(decision, input.candidateCount),
    scoreParts: parts.map((part) => ({ ...part, weighted: part.raw.map((raw) => raw * part.weight) })),
  };
}

/**
 * Decides a recorded input again. The same version of the same policy gives the same decision. `policy` is needed only
 * for a policy that is not built in; it must be the one recorded, else `RoutingError("invalid_record")`.
 */
export function replayDecision(record: Pick<DecisionRecord, "input">, policy?: Policy): RecordedDecision {
  const { input } = record;
  const replaying = policy ?? createPolicy(input.policy, input.policyParameters);
  if (replaying.name !== input.policy) {
    throw new RoutingError("invalid_record", `recorded with policy ${input.policy}, not ${replaying.name}`);
  }
  return plainDecision(decide(restoreInput(input), replaying), input.candidates.length);
}

/** The input of a record in the form that `decide` takes. */
export function restoreInput(recorded: RecordedInput): DecisionInput {
  const input = new DecisionInputBuffer();
  const { candidates, valueCount, draws } = recorded;
  input.begin({ candidates: candidates.length, drawCount: draws.length, valueCount });
  input.policyName = recorded.policy;
  input.policyParameters = recorded.policyParameters;
  input.role = recorded.role ?? "serve";
  input.atMs = recorded.atMs;
  input.snapshotVersion = recorded.snapshotVersion;
  input.snapshotAgeMs = recorded.snapshotAgeMs;
  input.closestVerdict = recorded.closestVerdict === null ? -1 : VERDICTS.indexOf(recorded.closestVerdict);
  input.promptTokens = recorded.promptTokens;
  input.maxTokens = recorded.maxTokens;
  input.draws.set(draws);
  for (const candidate of candidates) {
    const index = input.addCandidate(candidate.worker, candidate.slot, candidate.rank);
    input.matchedTokens[index] = candidate.matchedTokens;
    input.inFlightRequests[index] = candidate.inFlightRequests;
    input.prefillTokens[index] = candidate.prefillTokens;
    input.decodeTokens[index] = candidate.decodeTokens;
    input.runningRequests[index] = candidate.runningRequests ?? NaN;
    input.waitingRequests[index] = candidate.waitingRequests ?? NaN;
    input.kvCacheUsage[index] = candidate.kvCacheUsage ?? NaN;
    input.loadAgeMs[index] = candidate.loadAgeMs ?? Infinity;
    input.weights[index] = candidate.weight;
    input.costs[index] = candidate.cost;
    input.foreignRequests[index] = candidate.foreignRequests;
    input.loraAffinity[index] = candidate.loraAffinity ?? NaN;
    input.policyValues.set(candidate.policyValues, index * valueCount);
  }
  return input;
}

function recordInput(input: DecisionInput): RecordedInput {
  const candidates: RecordedCandidate[] = [];
  for (let index = 0; index < input.candidateCount; index += 1) {
    candidates.push({
      worker: input.workers[index]!,
      slot: input.slots[index]!,
      rank: input.ranks[index]!,
      matchedTokens: input.matchedTokens[index]!,
      inFlightRequests: input.inFlightRequests[index]!,
      prefillTokens: input.prefillTokens[index]!,
      decodeTokens: input.decodeTokens[index]!,
      runningRequests: finiteOrNull(input.runningRequests[index]!),
      waitingRequests: finiteOrNull(input.waitingRequests[index]!),
      kvCacheUsage: finiteOrNull(input.kvCacheUsage[index]!),
      loadAgeMs: finiteOrNull(input.loadAgeMs[index]!),
      foreignRequests: input.foreignRequests[index]!,
      loraAffinity: finiteOrNull(input.loraAffinity[index]!),
      weight: input.weights[index]!,
      cost: input.costs[index]!,
      policyValues: [
        ...input.policyValues.subarray(index * input.valueCount, (index + 1) * input.valueCount),
      ],
    });
  }
  return {
    policy: input.policyName,
    policyParameters: input.policyParameters,
    ...(input.role === "serve" ? {} : { role: input.role }),
    atMs: input.atMs,
    snapshotVersion: input.snapshotVersion,
    snapshotAgeMs: input.snapshotAgeMs,
    closestVerdict: VERDICTS[input.closestVerdict] ?? null,
    promptTokens: input.promptTokens,
    maxTokens: input.maxTokens,
    valueCount: input.valueCount,
    draws: [...input.draws],
    candidates,
  };
}

function plainDecision(decision: Decision, candidateCount: number): RecordedDecision {
  if (decision.kind !== "place") {
    return decision;
  }
  const { kind, legs, reason, candidate, runnerUp, tied, scores } = decision;
  return { kind, legs, reason, candidate, runnerUp, tied, scores: [...scores.subarray(0, candidateCount)] };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
