import type { LedgerEntry } from "../ledger.ts";
import type { DecisionLeg } from "./decision.ts";

/** How an attempt went, for the worker's circuit breaker. A client's mistake or cancellation says nothing: no report. */
export type AttemptOutcome = "success" | "failure";

/** What a dispatcher's breaker sees of its settlements. */
export interface OutcomeSink {
  /** An attempt begins on the worker that owns the slot. */
  started(slot: number): void;
  /** It ended, or its outcome became known, exactly once per start; null when nothing was reported. */
  ended(slot: number, outcome: AttemptOutcome | null): void;
}

/** A booked decision: held from `settle` to the end of the body, however that comes about. */
export interface Settlement {
  readonly legs: readonly DecisionLeg[];
  readonly isReleased: boolean;
  /** First output of the engine: the prompt has been computed. Later calls do nothing. */
  firstOutput(): void;
  /** Generated tokens beyond those told before. Optional: without it decode tokens count prompts only. */
  addOutput(tokens: number): void;
  /** Tells the breaker how the attempt went; only the first report counts. */
  report(outcome: AttemptOutcome): void;
  /**
   * Takes every booking back. Call it exactly once, on every kind of ending; another call changes nothing, returns false
   * and is counted by the ledger.
   */
  release(): boolean;
}

/** See {@link Settlement}. */
export class BookedSettlement implements Settlement {
  readonly legs: readonly DecisionLeg[];
  readonly #entries: readonly LedgerEntry[];
  readonly #outcomes: OutcomeSink | null;
  readonly #onRelease: (() => void) | null;
  #isReported = false;

  constructor(options: {
    readonly legs: readonly DecisionLeg[];
    readonly entries: readonly LedgerEntry[];
    readonly outcomes: OutcomeSink | null;
    readonly onRelease: (() => void) | null;
  }) {
    this.legs = options.legs;
    this.#entries = options.entries;
    this.#outcomes = options.outcomes;
    this.#onRelease = options.onRelease;
    for (const leg of this.legs) {
      this.#outcomes?.started(leg.slot);
    }
  }

  get isReleased(): boolean {
    return this.#entries[0]!.isReleased;
  }

  firstOutput(): void {
    for (const entry of this.#entries) {
      entry.firstOutput();
    }
  }

  addOutput(tokens: number): void {
    for (const entry of this.#entries) {
      entry.addOutput(tokens);
    }
  }

  report(outcome: AttemptOutcome): void {
    this.#end(outcome);
  }

  release(): boolean {
    let isFirst = true;
    for (const entry of this.#entries) {
      isFirst = entry.release() && isFirst;
    }
    if (isFirst) {
      this.#end(null);
      this.#onRelease?.();
    }
    return isFirst;
  }

  #end(outcome: AttemptOutcome | null): void {
    if (this.#isReported) {
      return;
    }
    this.#isReported = true;
    for (const leg of this.legs) {
      this.#outcomes?.ended(leg.slot, outcome);
    }
  }
}
