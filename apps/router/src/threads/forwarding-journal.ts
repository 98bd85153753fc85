import { DecisionJournal } from "../decisions/decision-journal.ts";
import type { ExplainedDecision } from "../decisions/explained-decision.ts";

/** The journal of a request thread: everything goes to the one that the fleet's thread keeps. */
export class ForwardingJournal extends DecisionJournal {
  readonly #isLogged: boolean;
  readonly #logSampleRate: number;
  readonly #forward: (decision: ExplainedDecision, isSampled: boolean) => void;

  constructor(options: {
    readonly isEnabled: boolean;
    /** Whether there is a `--decision-log`. */
    readonly isLogged: boolean;
    readonly logSampleRate: number;
    readonly forward: (decision: ExplainedDecision, isSampled: boolean) => void;
  }) {
    super({
      isEnabled: options.isEnabled,
      log: undefined,
      logSampleRate: options.logSampleRate,
      random: Math.random,
    });
    this.#isLogged = options.isLogged;
    this.#logSampleRate = options.logSampleRate;
    this.#forward = options.forward;
  }

  override isSampled(): boolean {
    return this.#isLogged && (this.#logSampleRate >= 1 || Math.random() < this.#logSampleRate);
  }

  override add(decision: ExplainedDecision, isSampled: boolean): void {
    this.#forward(decision, isSampled);
  }
}
