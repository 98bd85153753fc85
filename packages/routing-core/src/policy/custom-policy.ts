import { PLACE_REASONS, type PlaceReason } from "../decision/decision.ts";
import type { DecisionInput } from "../decision/decision-input.ts";
import { RoutingError } from "../routing-error.ts";
import { byLoad, pickBest } from "./pick-best.ts";
import type { Choice, Policy } from "./policy.ts";
import { isPolicyName } from "./policy-registry.ts";

/** What a policy of a user's own sees of the generation to be placed. */
export interface CustomGeneration {
  readonly requestId: string;
  readonly model: string;
  readonly promptTokens: number;
  readonly maxTokens: number;
  readonly routingKey?: string | undefined;
  readonly loraName?: string | undefined;
}

/** What it sees where its state meets the input. */
export interface CustomContext {
  readonly input: DecisionInput;
  readonly generation: CustomGeneration;
}

/**
 * A policy of a user's own: `score`, or `choose` for full control. Both must be pure functions of the input, so that a
 * recorded decision can be decided again: what the policy remembers goes through `input.policyValues`, written by
 * `gather`, and is changed in `settle` only.
 */
export interface CustomPolicy {
  /** Its name in metrics and records; not one of the built-in policies'. */
  readonly name: string;
  /** Whether `input.matchedTokens` is wanted. Default true. */
  readonly usesPrefix?: boolean;
  /** Whether the engines' own figures are wanted. Default true. */
  readonly usesEngineLoad?: boolean;
  /** Random numbers wanted in `input.draws`. Default 1; the first one breaks ties of `score`. */
  readonly drawCount?: number;
  /** Values kept per candidate in `input.policyValues`, at most 16. Default 1. */
  readonly valueCount?: number;
  /** How good a candidate is: the highest score is chosen, among equals the least loaded, then one is drawn. */
  score?(input: DecisionInput, candidate: number): number;
  /** Fills `choice`, and `input.scores` if it likes; instead of `score`. `choice` comes with `score` as its reason. */
  choose?(input: DecisionInput, choice: Choice): void;
  /** Writes its state into `input.policyValues`. */
  gather?(context: CustomContext): void;
  /** The candidate was chosen and booked. */
  settle?(context: CustomContext, candidate: number): void;
}

/** States a policy of your own with its types checked. */
export function defineCustomPolicy(policy: CustomPolicy): CustomPolicy {
  return policy;
}

const MAX_DRAWS = 64;
const MAX_VALUES = 16;
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const REASONS: ReadonlySet<string> = new Set<PlaceReason>(PLACE_REASONS);

/**
 * Makes a policy of what a user's module exports. Every decision's result is checked: a choice that is none throws
 * `RoutingError("bad_choice")`.
 * @throws RoutingError `invalid_policy`, saying what is wrong with it
 */
export function createCustomPolicy(value: unknown): Policy {
  const custom = checked(value);
  const { drawCount = 1, valueCount = 1 } = custom;
  return {
    name: custom.name,
    parameters: {},
    drawCount,
    valueCount,
    usesPrefix: custom.usesPrefix ?? true,
    usesEngineLoad: custom.usesEngineLoad ?? true,
    choose(input, choice) {
      choice.reason = "score";
      if (custom.choose !== undefined) {
        choice.runnerUp = -1;
        choice.tied = 1;
        custom.choose(input, choice);
      } else {
        for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
          const score = custom.score!(input, candidate);
          if (typeof score !== "number" || !Number.isFinite(score)) {
            throw new RoutingError("bad_choice", `score() gave ${String(score)} for candidate ${candidate}`);
          }
          input.scores[candidate] = score;
        }
        pickBest(input, choice, byLoad);
      }
      checkChoice(input, choice);
    },
    ...(custom.gather === undefined ? {} : { gather: (context) => custom.gather?.(context) }),
    ...(custom.settle === undefined
      ? {}
      : { settle: (context, candidate) => custom.settle?.(context, candidate) }),
  };
}

/** @throws RoutingError `bad_choice` for a choice that is none of the input's candidates, or scores that are no numbers */
export function checkChoice(input: DecisionInput, choice: Choice): void {
  const { candidate, runnerUp, tied, reason } = choice;
  const isCandidate = (index: number): boolean =>
    Number.isInteger(index) && index >= 0 && index < input.candidateCount;
  if (!isCandidate(candidate)) {
    throw new RoutingError(
      "bad_choice",
      `choose() gave candidate ${String(candidate)} of ${input.candidateCount}`,
    );
  }
  if (runnerUp !== -1 && (!isCandidate(runnerUp) || runnerUp === candidate)) {
    throw new RoutingError("bad_choice", `choose() gave runner-up ${String(runnerUp)}`);
  }
  if (!Number.isInteger(tied) || tied < 1 || !REASONS.has(reason)) {
    throw new RoutingError("bad_choice", `choose() gave tied ${String(tied)} and reason ${String(reason)}`);
  }
  for (let index = 0; index < input.candidateCount; index += 1) {
    if (!Number.isFinite(input.scores[index])) {
      throw new RoutingError("bad_choice", `the score of candidate ${index} is ${input.scores[index]}`);
    }
  }
}

function checked(value: unknown): CustomPolicy {
  if (typeof value !== "object" || value === null) {
    throw invalid("it exports no object named policy");
  }
  const policy = value as Readonly<Record<keyof CustomPolicy, unknown>>;
  const { name, score, choose } = policy;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw invalid("name must be 1 to 64 letters, digits, dots, dashes or underscores");
  }
  if (isPolicyName(name)) {
    throw invalid(`${name} is the name of a built-in policy`);
  }
  for (const method of ["score", "choose", "gather", "settle"] as const) {
    if (policy[method] !== undefined && typeof policy[method] !== "function") {
      throw invalid(`${method} must be a function`);
    }
  }
  if ((score === undefined) === (choose === undefined)) {
    throw invalid("it must have either score or choose");
  }
  for (const flag of ["usesPrefix", "usesEngineLoad"] as const) {
    if (policy[flag] !== undefined && typeof policy[flag] !== "boolean") {
      throw invalid(`${flag} must be true or false`);
    }
  }
  checkCount("drawCount", policy.drawCount, { minimum: score === undefined ? 0 : 1, maximum: MAX_DRAWS });
  checkCount("valueCount", policy.valueCount, { minimum: 1, maximum: MAX_VALUES });
  return value as CustomPolicy;
}

function checkCount(
  name: string,
  value: unknown,
  range: { readonly minimum: number; readonly maximum: number },
): void {
  const isAllowed =
    value === undefined ||
    (Number.isInteger(value) && Number(value) >= range.minimum && Number(value) <= range.maximum);
  if (!isAllowed) {
    throw invalid(`${name} must be an integer from ${range.minimum} to ${range.maximum}`);
  }
}

function invalid(what: string): RoutingError {
  return new RoutingError("invalid_policy", `this is no policy: ${what}`);
}
