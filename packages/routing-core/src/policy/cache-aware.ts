import type { PlaceReason } from "../decision/decision.ts";
import type { DecisionInput } from "../decision/decision-input.ts";
import { ColdTurns } from "./cold-turns.ts";
import { byLoad, pickBest, type TieOrder } from "./pick-best.ts";
import type { Choice, Policy, PolicyContext } from "./policy.ts";
import { definePolicy } from "./policy-definition.ts";

/**
 * The worker that holds most of the prompt, unless it is overloaded; else the least loaded. The Rust router's parameters
 * and defaults, on exact token ids and with its known defects repaired: load is what is in flight at this instant; the
 * balance rule is applied to the worker that would be chosen, so one busy worker does not cost all others their
 * affinity; a crowded worker's prefix has to be worth the wait, so that a prompt that many begin with spreads over several
 * workers instead of filling one; among equals the less loaded is taken, then the one whose last cold prompt is longest ago (which spreads
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
    requestTokens: {
      flag: null,
      default: 512,
      minimum: 0,
      maximum: 2 ** 31 - 1,
      isInteger: true,
      description:
        "Prompt tokens that one generation in flight above the mean weighs as much as, on a worker with more than one and a half times that and two; 0 leaves this out.",
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

/** A worker is crowded beyond this multiple of the mean in flight, and so many more. */
const CROWDED_SHARE = 1.5;
const CROWDED_REQUESTS = 2;

interface CacheAwareParameters extends Readonly<Record<string, number>> {
  readonly cacheThreshold: number;
  readonly balanceAbsThreshold: number;
  readonly balanceRelThreshold: number;
  readonly requestTokens: number;
}

class CacheAware implements Policy {
  readonly name = "cache_aware";
  readonly parameters: CacheAwareParameters;
  readonly drawCount = 1;
  readonly usesPrefix = true;
  readonly #turns = new ColdTurns();

  constructor(parameters: CacheAwareParameters) {
    this.parameters = parameters;
  }

  gather({ input }: PolicyContext): void {
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      input.policyValues[candidate] = this.#turns.of(input.slots[candidate]!);
    }
  }

  choose(input: DecisionInput, choice: Choice): void {
    const { candidateCount, inFlightRequests, matchedTokens, promptTokens, scores } = input;
    const { cacheThreshold, balanceAbsThreshold, balanceRelThreshold, requestTokens } = this.parameters;
    let leastInFlight = Infinity;
    let allInFlight = 0;
    for (let candidate = 0; candidate < candidateCount; candidate += 1) {
      leastInFlight = Math.min(leastInFlight, inFlightRequests[candidate]!);
      allInFlight += inFlightRequests[candidate]!;
    }
    const meanInFlight = allInFlight / candidateCount;
    const crowdedInFlight = CROWDED_SHARE * meanInFlight + CROWDED_REQUESTS;
    const mostInFlight = Math.max(leastInFlight + balanceAbsThreshold, leastInFlight * balanceRelThreshold);
    const neededTokens = cacheThreshold * promptTokens;
    let isHeldByOverloaded = false;
    for (let candidate = 0; candidate < candidateCount; candidate += 1) {
      const matched = matchedTokens[candidate]!;
      const isHolder = matched > neededTokens;
      const isOverloaded = inFlightRequests[candidate]! > mostInFlight;
      const excess =
        inFlightRequests[candidate]! > crowdedInFlight ? inFlightRequests[candidate]! - meanInFlight : 0;
      scores[candidate] = isHolder && !isOverloaded ? Math.max(0, matched - requestTokens * excess) : 0;
      isHeldByOverloaded ||= isHolder && scores[candidate] === 0;
    }
    pickBest(input, choice, byLoadThenTurn);
    choice.reason = reasonOf(scores[choice.candidate]! > 0, isHeldByOverloaded);
  }

  settle({ input }: PolicyContext, candidate: number): void {
    if (input.matchedTokens[candidate]! <= this.parameters.cacheThreshold * input.promptTokens) {
      this.#turns.mark(input.slots[candidate]!);
    }
  }
}

function reasonOf(isPrefix: boolean, isHeldByOverloaded: boolean): PlaceReason {
  if (isPrefix) {
    return "prefix";
  }
  return isHeldByOverloaded ? "balance" : "least_loaded";
}

const byLoadThenTurn: TieOrder = (input, a, b) =>
  byLoad(input, a, b) || input.policyValues[b]! - input.policyValues[a]!;
