import type { ShadowDecision } from "@vllm-router/routing-core";

/** A placement and what other policies would have done in its place. */
export interface ShadowedPlacement {
  /** The policy that acted. */
  readonly policy: string;
  readonly matchedTokens: number;
  readonly promptTokens: number;
  readonly shadows: readonly ShadowDecision[];
}

/** Why a policy of the user's own no longer decides, or never did. */
export type PolicyFault = "load" | "exception" | "bad_result" | "overlong" | "timeout" | "crash";

/** What is told about the making of decisions, beside the decisions themselves. */
export interface DecisionObserver {
  shadowed(placement: ShadowedPlacement): void;
  /** So many placements were not told to the shadow policies: they cannot keep up. */
  shadowsDropped(placements: number): void;
  /** The policy of `--policy-file` decides from now on. */
  policyLoaded(name: string): void;
  /** It does not, or no longer; `--policy` does, or with `load` whoever did before. */
  policyFailed(fault: PolicyFault, message: string): void;
  /** It wrote a line to its console. */
  policySaid(text: string): void;
  /** A decision was left out of `--decision-log`. */
  logDropped(): void;
  /** `--decision-log` cannot be written. */
  logFailed(error: Error): void;
}

/** Tells several observers the same. */
export function combineDecisionObservers(observers: readonly DecisionObserver[]): DecisionObserver {
  const each = (tell: (observer: DecisionObserver) => void): void => observers.forEach(tell);
  return {
    shadowed: (placement) => each((o) => o.shadowed(placement)),
    shadowsDropped: (placements) => each((o) => o.shadowsDropped(placements)),
    policyLoaded: (name) => each((o) => o.policyLoaded(name)),
    policyFailed: (fault, message) => each((o) => o.policyFailed(fault, message)),
    policySaid: (text) => each((o) => o.policySaid(text)),
    logDropped: () => each((o) => o.logDropped()),
    logFailed: (error) => each((o) => o.logFailed(error)),
  };
}
