import type { PlaceReason } from "../decision/decision.ts";
import type { DecisionInput } from "../decision/decision-input.ts";
import type { Choice, Policy, PolicyContext } from "./policy.ts";
import { definePolicy } from "./policy-definition.ts";

/**
 * The worker that holds most of the prompt, unless it is overloaded; else the least loaded. The Rust router's parameters
 * and defaults, on exact token ids and with its known defects repaired: load is what is in flight at this instant; the
 * balance rule is applied to the worker that would be chosen, so one busy worker does not cost all others their
 * affinity; among equals the less loaded is taken, then the one whose last cold prompt is longest ago (which spreads
 * cache growth), then one is drawn.
 */
export const cacheAware = definePolicy({
  name: "cache_aware",
  description:
    "The worker that already holds the prompt's prefix, unless it is overloaded; else the least loaded.",
  parameters: {
    cacheThreshold: {
      flag: "cache-threshold",
      default: 0.3,
      minimum: 0,
      maximum: 1,
      isInteger: false,
      description: "Share of the prompt that must be held (more than this) for the prefix to decide.",
    },
    balanceAbsThreshold: {
      flag: "balance-abs-threshold",
      default: 64,
      minimum: 0,
      maximum: 2 ** 31 - 1,
      isInteger: true,
      description:
        "A worker with more generations in flight than the least loaded one by more than this may be overloaded.",
    },
    balanceRelThreshold: {
      flag: "balance-rel-threshold",
      default: 1.5,
      minimum: 1,
      maximum: 1e9,
      isInteger: false,
      description: "… and is, when it also has more in flight than this times the least loaded one.",
    },
    evictionIntervalSecs: {
      flag: "eviction-interval",
      default: 120,
      minimum: 1,
      maximum: 2 ** 31 - 1,
      isInteger: true,
      description:
        "Most seconds for which the prefix index may exceed its bound. Eviction happens at every insertion, so the bound holds at all times and any value is met.",
    },
    maxTreeSize: {
      flag: "max-tree-size",
      default: 2 ** 26,
      minimum: 1,
      maximum: 2 ** 53 - 1,
      isInteger: true,
      description: "Most prompt tokens remembered per worker, least recently used forgotten first.",
    },
  },
  create: (parameters) => new CacheAware(parameters),
});

interface CacheAwareParameters extends Readonly<Record<string, number>> {
  readonly cacheThreshold: number;
  readonly balanceAbsThreshold: number;
  readonly balanceRelThreshold: number;
}

class CacheAware implements Policy {
  readonly name = "cache_aware";
  readonly parameters: CacheAwareParameters;
  readonly drawCount = 1;
  readonly usesPrefix = true;
  /** When each slot last got a prompt it held nothing of, in decisions. Grows to the highest slot seen. */
  #lastColdAt = new Float64Array(64);
  #coldPlacements = 0;

  constructor(parameters: CacheAwareParameters) {
    this.parameters = parameters;
  }

  gather({ input }: PolicyContext): void {
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      input.policyValues[candidate] = this.#lastColdAt[input.slots[candidate]!] ?? 0;
    }
  }

  choose(input: DecisionInput, choice: Choice): void {
    const { candidateCount, inFlightRequests, matchedTokens, promptTokens, scores } = input;
    const { cacheThreshold, balanceAbsThreshold, balanceRelThreshold } = this.parameters;
    let leastInFlight = Infinity;
    for (let candidate = 0; candidate < candidateCount; candidate += 1) {
      leastInFlight = Math.min(leastInFlight, inFlightRequests[candidate]!);
    }
    const mostInFlight = Math.max(leastInFlight + balanceAbsThreshold, leastInFlight * balanceRelThreshold);
    const neededTokens = cacheThreshold * promptTokens;
    let isHeldByOverloaded = false;
    for (let candidate = 0; candidate < candidateCount; candidate += 1) {
      const matched = matchedTokens[candidate]!;
      const isHolder = matched > neededTokens;
      const isOverloaded = inFlightRequests[candidate]! > mostInFlight;
      isHeldByOverloaded ||= isHolder && isOverloaded;
      scores[candidate] = isHolder && !isOverloaded ? matched : 0;
    }
    pickBest(input, choice);
    choice.reason = reasonOf(scores[choice.candidate]! > 0, isHeldByOverloaded);
  }

  settle({ input }: PolicyContext, candidate: number): void {
    if (input.matchedTokens[candidate]! > this.parameters.cacheThreshold * input.promptTokens) {
      return;
    }
    const slot = input.slots[candidate]!;
    if (slot >= this.#lastColdAt.length) {
      const grown = new Float64Array(Math.max(slot + 1, 2 * this.#lastColdAt.length));
      grown.set(this.#lastColdAt);
      this.#lastColdAt = grown;
    }
    this.#coldPlacements += 1;
    this.#lastColdAt[slot] = this.#coldPlacements;
  }
}

function reasonOf(isPrefix: boolean, isHeldByOverloaded: boolean): PlaceReason {
  if (isPrefix) {
    return "prefix";
  }
  return isHeldByOverloaded ? "balance" : "least_loaded";
}

/** One pass for best, runner-up and number of ties; a second one only when a draw has to decide. */
function pickBest(input: DecisionInput, choice: Choice): void {
  let best = 0;
  let second = -1;
  let tied = 1;
  for (let candidate = 1; candidate < input.candidateCount; candidate += 1) {
    const order = compare(input, candidate, best);
    if (order > 0) {
      second = best;
      best = candidate;
      tied = 1;
    } else {
      tied += order === 0 ? 1 : 0;
      if (second < 0 || compare(input, candidate, second) > 0) {
        second = candidate;
      }
    }
  }
  if (tied > 1) {
    let skip = Math.floor(input.draws[0]! * tied);
    const first = best;
    for (let candidate = first + 1; skip > 0; candidate += 1) {
      if (compare(input, candidate, first) === 0) {
        second = best;
        best = candidate;
        skip -= 1;
      }
    }
  }
  choice.candidate = best;
  choice.runnerUp = second;
  choice.tied = tied;
}

/** Positive when `a` is the better candidate. */
function compare(input: DecisionInput, a: number, b: number): number {
  const { scores, inFlightRequests, prefillTokens, policyValues } = input;
  return (
    scores[a]! - scores[b]! ||
    inFlightRequests[b]! - inFlightRequests[a]! ||
    prefillTokens[b]! - prefillTokens[a]! ||
    policyValues[b]! - policyValues[a]!
  );
}
