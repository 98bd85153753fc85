import {
  compactSummary,
  type DecisionRecord,
  type DecisionSummary,
  type PrefillSkip,
  type ShadowDecision,
  summarizeDecision,
} from "@vllm-router/routing-core";
import type { Lane } from "../fleet/lane.ts";

/** One decision with everything it was made from. Holds no prompt and no key. */
export interface ExplainedDecision {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly decidedAtMs: number;
  readonly lane: Lane;
  readonly summary: DecisionSummary;
  readonly record: DecisionRecord;
  readonly shadows: readonly ShadowDecision[];
  /** The prefill leg, where generations are divided; `summary` and `record` are then the decode leg's. */
  readonly prefill?: ExplainedPrefill | undefined;
}

/** The prefill leg of a decision, or why it has none. */
export type ExplainedPrefill =
  | { readonly summary: DecisionSummary; readonly record: DecisionRecord; readonly skipped?: undefined }
  | { readonly skipped: PrefillSkip };

/** Makes the prefill leg of a decision plain. */
export function explainPrefill(record: DecisionRecord): ExplainedPrefill {
  return { summary: summarizeDecision(record), record };
}

/** Hears of the decisions about one request that asked for them. */
export type DecisionListener = (decision: ExplainedDecision) => void;

/** Puts a decision together. */
export function explainDecision(parts: Omit<ExplainedDecision, "summary">): ExplainedDecision {
  return { ...parts, summary: summarizeDecision(parts.record) };
}

/** Header by which a request asks for its decisions, and the one that carries them. */
export const EXPLAIN_HEADER = "x-vllm-router-explain";
export const DECISION_HEADER = "x-vllm-router-decision";

/** Decisions named in one header; a request of many prompts, or with retries, takes more. */
const TOLD_IDS = 8;

/** Hears decisions and sets the response header anew at each: the latest ids, and the last decision in short. */
export function decisionHeader(set: (value: string) => void): DecisionListener {
  const ids: string[] = [];
  return (decision) => {
    ids.push(decision.id);
    if (ids.length > TOLD_IDS) {
      ids.shift();
    }
    set(`${ids.join(" ")}; ${printable(compactSummary(decision.summary))}${prefillText(decision.prefill)}`);
  };
}

function prefillText(prefill: ExplainedPrefill | undefined): string {
  if (prefill === undefined) {
    return "";
  }
  return prefill.skipped === undefined
    ? `; prefill=${printable(prefill.summary.worker ?? prefill.summary.reason)}`
    : `; prefill=none(${prefill.skipped})`;
}

/** Worker addresses come from people: nothing of them may end a header. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?");
}
