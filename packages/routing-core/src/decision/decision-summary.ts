import type { DecisionRecord } from "./decision-record.ts";

/** The answer of a decision in words that need no look at its input. */
export interface DecisionSummary {
  readonly kind: "place" | "wait" | "none";
  readonly reason: string;
  readonly policy: string;
  /** Null unless somebody was chosen. */
  readonly worker: string | null;
  readonly rank: number | null;
  readonly matchedTokens: number | null;
  readonly promptTokens: number;
  /** Who would have come next; null when there was nobody else. */
  readonly runnerUp: string | null;
  /** How one was taken among equals; null when there were none. */
  readonly tieBreak: string | null;
  readonly candidates: number;
  readonly excluded: number;
}

/** Tells what was decided. */
export function summarizeDecision(record: DecisionRecord): DecisionSummary {
  const { decision, input, exclusions } = record;
  const leg = decision.kind === "place" ? decision.legs[0] : undefined;
  const next = decision.kind === "place" ? input.candidates[decision.runnerUp] : undefined;
  const isTied = decision.kind === "place" && decision.tied > 1;
  return {
    kind: decision.kind,
    reason: decision.reason,
    policy: input.policy,
    worker: leg?.worker ?? null,
    rank: leg?.rank ?? null,
    matchedTokens: leg?.matchedTokens ?? null,
    promptTokens: input.promptTokens,
    runnerUp: next?.worker ?? null,
    tieBreak: isTied ? `drawn among ${decision.tied} equals` : null,
    candidates: input.candidates.length,
    excluded: exclusions.length,
  };
}

/** The summary in one line of `name=value` pairs, for a response header. */
export function compactSummary(summary: DecisionSummary): string {
  const { worker, rank, matchedTokens, promptTokens, runnerUp, tieBreak } = summary;
  return [
    `${summary.kind}=${worker ?? summary.reason}`,
    ...(worker === null ? [] : [`rank=${rank}`, `reason=${summary.reason}`]),
    ...(worker === null ? [] : [`matched=${matchedTokens}/${promptTokens}`]),
    ...(runnerUp === null ? [] : [`runner_up=${runnerUp}`]),
    ...(tieBreak === null ? [] : [`tie=${tieBreak.replaceAll(" ", "_")}`]),
    `candidates=${summary.candidates}`,
    `excluded=${summary.excluded}`,
    `policy=${summary.policy}`,
  ].join("; ");
}
