import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import {
  type DecisionRecord,
  isPolicyName,
  type Policy,
  type RecordedDecision,
  replayDecision,
} from "@vllm-router/routing-core";
import { DECISION_LOG_VERSION } from "./decision-log.ts";

/** What a replay found. */
export interface ReplayReport {
  /** Decided again, with the same answer. */
  readonly same: number;
  /** Decided again, with another answer. */
  readonly different: number;
  /** Lines that hold no decision, or one of a policy that is not here. */
  readonly unreadable: number;
}

/** What to replay, and whom to tell. */
export interface ReplayOptions {
  readonly path: string;
  /** A policy of the user's own, for the decisions it took; undefined where there is none. */
  readonly policy: Policy | undefined;
  /** Hears a sentence for each of the first lines with something wrong. */
  readonly complain: (line: string) => void;
}

const MAX_COMPLAINTS = 20;

/** Decides everything that a decision log holds again. @throws when the file cannot be read */
export async function replayDecisions(options: ReplayOptions): Promise<ReplayReport> {
  let same = 0;
  let different = 0;
  let unreadable = 0;
  let lineNumber = 0;
  const complain = (text: string): void => {
    if (different + unreadable <= MAX_COMPLAINTS) {
      options.complain(`line ${lineNumber}: ${text}`);
    }
  };
  const lines = createInterface({ input: createReadStream(options.path), crlfDelay: Infinity });
  for await (const line of lines) {
    lineNumber += 1;
    if (line.trim() === "") {
      continue;
    }
    try {
      const { id, record } = readLine(line);
      const replayed = replayDecision(record, isPolicyName(record.input.policy) ? undefined : options.policy);
      if (JSON.stringify(replayed) === JSON.stringify(record.decision)) {
        same += 1;
      } else {
        different += 1;
        complain(`${id} was ${chosen(record.decision)}, is ${chosen(replayed)}`);
      }
    } catch (error) {
      unreadable += 1;
      complain(error instanceof Error ? error.message : String(error));
    }
  }
  return { same, different, unreadable };
}

function readLine(line: string): { readonly id: string; readonly record: DecisionRecord } {
  const parsed = JSON.parse(line) as {
    readonly version?: unknown;
    readonly id?: unknown;
    readonly record?: DecisionRecord;
  };
  if (parsed.version !== DECISION_LOG_VERSION || typeof parsed.id !== "string") {
    throw new Error(`not a decision of version ${DECISION_LOG_VERSION}`);
  }
  const { record } = parsed;
  if (!Array.isArray(record?.input?.candidates) || !Array.isArray(record.input.draws)) {
    throw new Error("the decision has no input");
  }
  return { id: parsed.id, record };
}

function chosen(decision: RecordedDecision): string {
  if (decision.kind !== "place") {
    return `${decision.kind} (${decision.reason})`;
  }
  const leg = decision.legs[0];
  return `${leg?.worker} rank ${leg?.rank} (${decision.reason}, score ${decision.scores[decision.candidate]})`;
}
