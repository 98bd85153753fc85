import type { DecisionInput } from "../decision/decision-input.ts";
import { loadConfidence } from "./load-confidence.ts";
import { byLoad, pickBest } from "./pick-best.ts";
import type { Choice, Policy } from "./policy.ts";
import { definePolicy } from "./policy-definition.ts";

/** At this usage the penalty of a full KV cache stops growing: it is 15 requests by then. */
const FULLEST_KV_USAGE = 0.99;

/**
 * The worker with the least to do, over all candidates: requests in flight at this instant, what the engine has beyond
 * them from other routers, the prompts it has still to compute, and a penalty for a KV cache that runs full. What the
 * engine reported counts the less the older it is.
 */
export const leastLoad = definePolicy({
  name: "least_load",
  description: "The worker with the least to do, counting requests, pending prompts and KV cache usage.",
  parameters: {
    tokensPerRequest: {
      flag: null,
      default: 1024,
      minimum: 1,
      maximum: 2 ** 31 - 1,
      isInteger: true,
      description: "Prompt tokens still to be computed that weigh as much as one request in flight.",
    },
    kvPenalty: {
      flag: null,
      default: 0.15,
      minimum: 0,
      maximum: 1000,
      isInteger: false,
      description: "Requests that a half full KV cache weighs as much as; a nearly full one weighs far more.",
    },
    loadHalfLifeMs: {
      flag: null,
      default: 5000,
      minimum: 1,
      maximum: 2 ** 31 - 1,
      isInteger: true,
      description: "Age in milliseconds at which a figure reported by an engine counts half.",
    },
  },
  create: (parameters) => new LeastLoad(parameters),
});

interface LeastLoadParameters extends Readonly<Record<string, number>> {
  readonly tokensPerRequest: number;
  readonly kvPenalty: number;
  readonly loadHalfLifeMs: number;
}

class LeastLoad implements Policy {
  readonly name = "least_load";
  readonly parameters: LeastLoadParameters;
  readonly drawCount = 1;
  readonly usesPrefix = false;
  readonly usesEngineLoad = true;

  constructor(parameters: LeastLoadParameters) {
    this.parameters = parameters;
  }

  choose(input: DecisionInput, choice: Choice): void {
    const { tokensPerRequest, kvPenalty, loadHalfLifeMs } = this.parameters;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const confidence = loadConfidence(input.loadAgeMs[candidate]!, loadHalfLifeMs);
      const requests = input.inFlightRequests[candidate]! + confidence * input.foreignRequests[candidate]!;
      const pending = input.prefillTokens[candidate]! / tokensPerRequest;
      const reported = input.kvCacheUsage[candidate]!;
      const usage = Number.isNaN(reported) ? 0 : Math.min(FULLEST_KV_USAGE, Math.max(0, reported));
      const pressure = (confidence * kvPenalty * usage) / (1 - usage);
      input.scores[candidate] = 0 - ((requests + pending) / input.weights[candidate]! + pressure);
    }
    pickBest(input, choice, byLoad);
    choice.reason = "least_loaded";
  }
}
