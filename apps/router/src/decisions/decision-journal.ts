import type { DecisionLog } from "./decision-log.ts";
import type { ExplainedDecision } from "./explained-decision.ts";

/** What a journal works with. */
export interface DecisionJournalOptions {
  /** `--enable-explain`: whether requests may ask, and the latest decisions are kept. */
  readonly isEnabled: boolean;
  /** `--decision-log`; undefined for none. */
  readonly log: DecisionLog | undefined;
  /** Share of the decisions that go to the log, 0 to 1. */
  readonly logSampleRate: number;
  readonly random: () => number;
}

/** Most decisions kept, and most candidates of all of them together: what bounds their memory to some 20 MB. */
const MAX_DECISIONS = 1_024;
const MAX_CANDIDATES = 65_536;

/**
 * Where explained decisions go: a bounded ring of the latest for `GET /debug/decisions`, and the log. Whether a decision
 * is to be recorded is asked first, because a record costs time in proportion to the fleet.
 */
export class DecisionJournal {
  readonly #options: DecisionJournalOptions;
  /** In the order they were made. */
  readonly #kept = new Map<string, ExplainedDecision>();
  #candidates = 0;

  constructor(options: DecisionJournalOptions) {
    this.#options = options;
  }

  /** Whether requests may ask for their decisions. */
  get isEnabled(): boolean {
    return this.#options.isEnabled;
  }

  /** Whether the next decision goes to the log: draws, where only a share does. */
  isSampled(): boolean {
    const { log, logSampleRate, random } = this.#options;
    return log !== undefined && (logSampleRate >= 1 || random() < logSampleRate);
  }

  /** Keeps a decision; `isSampled` when it belongs in the log as well. */
  add(decision: ExplainedDecision, isSampled: boolean): void {
    const { log, isEnabled } = this.#options;
    if (isSampled) {
      log?.append(decision);
    }
    if (!isEnabled) {
      return;
    }
    this.#kept.set(decision.id, decision);
    this.#candidates += weightOf(decision);
    for (const [id, oldest] of this.#kept) {
      const isWithin = this.#kept.size <= MAX_DECISIONS && this.#candidates <= MAX_CANDIDATES;
      if (isWithin || id === decision.id) {
        return;
      }
      this.#kept.delete(id);
      this.#candidates -= weightOf(oldest);
    }
  }

  /** A decision that is still kept. */
  get(id: string): ExplainedDecision | undefined {
    return this.#kept.get(id);
  }

  /** The latest decisions, newest first. */
  latest(count: number): readonly ExplainedDecision[] {
    return [...this.#kept.values()].slice(-count).toReversed();
  }
}

function weightOf({ record, prefill }: ExplainedDecision): number {
  const own = 1 + record.input.candidates.length + record.exclusions.length;
  return prefill === undefined || prefill.skipped !== undefined
    ? own
    : own + prefill.record.input.candidates.length + prefill.record.exclusions.length;
}
