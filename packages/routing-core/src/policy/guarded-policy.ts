import type { Clock } from "../clock.ts";
import type { DecisionInput } from "../decision/decision-input.ts";
import { RoutingError } from "../routing-error.ts";
import { checkChoice } from "./custom-policy.ts";
import type { Choice, Policy, PolicyContext, PolicySource } from "./policy.ts";

/** What a guarded policy did wrong. */
export type GuardFault = "exception" | "bad_result" | "overlong";

/** A policy that is not trusted, with one that is behind it. */
export interface PolicyGuard extends PolicySource {
  /** Whether the guarded policy decides. */
  readonly isActive: boolean;
  /** Puts a policy in, in the place of an earlier one, or takes it out with undefined. */
  guard(policy: GuardedPolicy | undefined): void;
}

/** A policy to be guarded. */
export interface GuardedPolicy {
  readonly policy: Policy;
  /**
   * Milliseconds that its last call took by its own account, for a policy that runs elsewhere and is not to be blamed
   * for the way there; without it the guard's clock counts.
   */
  readonly busyMs?: () => number;
}

/** Options of {@link createPolicyGuard}. */
export interface PolicyGuardOptions {
  /** Decides whenever the guarded policy does not. */
  readonly fallback: Policy;
  /** Longest time of one call, milliseconds. */
  readonly budgetMs: number;
  /** Longer calls within `overlongWindowMs` that disable the policy: one alone may be the machine's fault. Default 3. */
  readonly overlongLimit?: number;
  /** Default 60,000. */
  readonly overlongWindowMs?: number;
  readonly clock: Clock;
  /** The guarded policy was disabled: told once, until another one is put in. */
  readonly onFault: (fault: GuardFault, error: unknown) => void;
}

const OVERLONG_LIMIT = 3;
const OVERLONG_WINDOW_MS = 60_000;

/**
 * Watches over a policy: an exception, a choice that is none, or calls that took too long too often disable it. A decision
 * in which it fails throws; the dispatcher then decides again with the fallback.
 */
export function createPolicyGuard(options: PolicyGuardOptions): PolicyGuard {
  const { fallback, budgetMs, clock, onFault } = options;
  const overlongLimit = options.overlongLimit ?? OVERLONG_LIMIT;
  const overlongWindowMs = options.overlongWindowMs ?? OVERLONG_WINDOW_MS;
  let guarded: Policy | undefined;

  const watch = ({ policy, busyMs }: GuardedPolicy): Policy => {
    let overlongAtMs: number[] = [];
    const fail = (fault: GuardFault, error: unknown): void => {
      if (guarded === watched) {
        guarded = undefined;
        onFault(fault, error);
      }
    };
    const timed = (call: () => void): void => {
      const startedAtMs = clock();
      try {
        call();
      } catch (error) {
        const isBad = error instanceof RoutingError && error.code === "bad_choice";
        fail(isBad ? "bad_result" : "exception", error);
        throw error;
      }
      const endedAtMs = clock();
      const tookMs = busyMs?.() ?? endedAtMs - startedAtMs;
      if (tookMs <= budgetMs) {
        return;
      }
      overlongAtMs = [...overlongAtMs.filter((atMs) => endedAtMs - atMs < overlongWindowMs), endedAtMs];
      if (overlongAtMs.length >= overlongLimit) {
        const message = `${overlongLimit} calls took longer than ${budgetMs} ms, the last one ${tookMs.toFixed(1)} ms`;
        // Its answer stands; it decides no more.
        fail("overlong", new RoutingError("overlong_policy", message));
      }
    };
    const watched: Policy = {
      name: policy.name,
      parameters: policy.parameters,
      drawCount: policy.drawCount,
      usesPrefix: policy.usesPrefix,
      ...(policy.usesEngineLoad === undefined ? {} : { usesEngineLoad: policy.usesEngineLoad }),
      ...(policy.valueCount === undefined ? {} : { valueCount: policy.valueCount }),
      ...(policy.gather === undefined
        ? {}
        : { gather: (context: PolicyContext) => timed(() => policy.gather?.(context)) }),
      choose: (input: DecisionInput, choice: Choice) =>
        timed(() => {
          policy.choose(input, choice);
          checkChoice(input, choice);
        }),
      ...(policy.settle === undefined
        ? {}
        : {
            settle: (context: PolicyContext, candidate: number) => {
              try {
                timed(() => policy.settle?.(context, candidate));
              } catch {
                // The decision has been made and booked; that the policy is disabled has been told.
              }
            },
          }),
    };
    return watched;
  };

  return {
    get current(): Policy {
      return guarded ?? fallback;
    },
    get isActive(): boolean {
      return guarded !== undefined;
    },
    guard(policy) {
      guarded = policy === undefined ? undefined : watch(policy);
    },
  };
}
