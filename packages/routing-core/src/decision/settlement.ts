import type { LedgerEntry } from "../ledger.ts";
import type { BreakerGuard } from "../resilience/breaker-board.ts";
import type { AttemptOutcome, BreakerPeriod } from "../resilience/circuit-breaker.ts";
import type { DecisionLeg } from "./decision.ts";

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
  /** An outcome that became clear only after the release: the breaker counts one more attempt. */
  reportLate(outcome: AttemptOutcome): void;
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
  readonly #breakers: BreakerGuard | null;
  readonly #periods: readonly BreakerPeriod[] | null;
  readonly #onRelease: (() => void) | null;
  #isReported = false;

  constructor(options: {
    readonly legs: readonly DecisionLeg[];
    readonly entries: readonly LedgerEntry[];
    readonly breakers: BreakerGuard | undefined;
    readonly onRelease: (() => void) | undefined;
  }) {
    const { legs, entries, breakers } = options;
    this.legs = legs;
    this.#entries = entries;
    this.#breakers = breakers ?? null;
    this.#periods = breakers === undefined ? null : legs.map((leg) => breakers.started(leg.slot - leg.rank));
    this.#onRelease = options.onRelease ?? null;
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

  reportLate(outcome: AttemptOutcome): void {
    for (const leg of this.legs) {
      const slot = leg.slot - leg.rank;
      const period = this.#breakers?.started(slot);
      if (period !== undefined) {
        this.#breakers?.ended(slot, period, outcome);
      }
    }
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
    for (const [index, leg] of this.legs.entries()) {
      this.#breakers?.ended(leg.slot - leg.rank, this.#periods![index]!, outcome);
    }
  }
}
