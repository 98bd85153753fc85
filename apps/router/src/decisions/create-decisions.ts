import type { RouterConfig } from "@vllm-router/config";
import { combineDecisionObservers, type DecisionObserver } from "../observability/decision-observer.ts";
import { DecisionJournal } from "./decision-journal.ts";
import { DecisionLog } from "./decision-log.ts";

/** Where decisions are written down and told of. */
export interface Decisions extends AsyncDisposable {
  readonly journal: DecisionJournal;
  readonly observer: DecisionObserver;
}

/** Opens the journal, and the log where one is wanted. */
export function createDecisions(
  { decisions }: Pick<RouterConfig, "decisions">,
  environment: { readonly observers: readonly DecisionObserver[]; readonly random: () => number },
): Decisions {
  const { enableExplain, logFile, logSampleRate } = decisions;
  const observer = combineDecisionObservers(environment.observers);
  const log =
    logFile === undefined
      ? undefined
      : new DecisionLog(logFile, {
          dropped: () => observer.logDropped(),
          failed: (error) => observer.logFailed(error),
        });
  const journal = new DecisionJournal({
    isEnabled: enableExplain,
    log,
    logSampleRate,
    random: environment.random,
  });
  return {
    journal,
    observer,
    [Symbol.asyncDispose]: async () => log?.[Symbol.asyncDispose](),
  };
}
