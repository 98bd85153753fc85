import type { DecisionInput } from "../decision/decision-input.ts";
import { AdapterMemory } from "./adapter-memory.ts";
import { sessionKey } from "./affinity-key.ts";
import { ColdTurns } from "./cold-turns.ts";
import { byLoad, pickBest } from "./pick-best.ts";
import type { Choice, Policy, PolicyContext, ScorePart } from "./policy.ts";
import { definePolicy, type PolicyParameter, type SharedPolicyState } from "./policy-definition.ts";
import {
  COLD_TURN,
  HAS_ADAPTER,
  IS_BOUND,
  scoreAffinity,
  scoreInFlightTokens,
  scoreKvUsage,
  scoreLora,
  scoreNoHitLru,
  scorePrefix,
  scoreQueue,
  type Scorer,
  SCORER_VALUES,
  scoreRunning,
} from "./scorer.ts";
import type { Sessions } from "./session-table.ts";
import { sessionsOf } from "./sessions-of.ts";
import { sharedSessionsSizeBytes } from "./shared-session-table.ts";

const SCORERS = {
  prefix: scorePrefix,
  queue: scoreQueue,
  running: scoreRunning,
  kvUsage: scoreKvUsage,
  inFlightTokens: scoreInFlightTokens,
  lora: scoreLora,
  affinity: scoreAffinity,
  noHitLru: scoreNoHitLru,
} as const satisfies Readonly<Record<string, Scorer>>;

type ScorerName = keyof typeof SCORERS;

const SESSIONS = { capacity: 65_536, ttlMs: 7_200_000 };

/**
 * The worker with the highest sum of weighted scores, each from 0 to 1, in the manner of llm-d's scheduler: prefix held,
 * the engine's queue, running requests and KV cache as it reported them (the less the older), tokens in flight at this
 * instant, LoRA adapter, session, and for prompts nobody holds whose turn it is. A weight of 0 leaves a scorer out.
 */
export const weighted = definePolicy({
  name: "weighted",
  description: "The worker with the highest sum of weighted scores: prefix, load, LoRA adapter, session.",
  parameters: {
    prefix: weight(3, "the share of the prompt that the worker has in its cache"),
    queue: weight(1, "requests waiting in the engine"),
    running: weight(0, "requests running in the engine"),
    kvUsage: weight(1, "the free share of the engine's KV cache"),
    inFlightTokens: weight(2, "tokens in flight by this router's own count"),
    lora: weight(1, "the LoRA adapter being loaded, for requests that ask for one"),
    affinity: weight(0, "the worker that served the session last"),
    noHitLru: weight(1, "turns, for prompts of which no worker has anything"),
    loadHalfLifeMs: {
      flag: null,
      default: 5000,
      minimum: 1,
      maximum: 2 ** 31 - 1,
      isInteger: true,
      description: "Age in milliseconds at which a figure reported by an engine counts half.",
    },
  },
  create: (parameters, shared) => new Weighted(parameters, shared),
  sharedBytes: ({ affinity }, slotCapacity) =>
    affinity > 0 ? sharedSessionsSizeBytes({ capacity: SESSIONS.capacity, slotCapacity }) : 0,
});

function weight(defaultWeight: number, of: string): PolicyParameter {
  return {
    flag: null,
    default: defaultWeight,
    minimum: 0,
    maximum: 1000,
    isInteger: false,
    description: `Weight of ${of}; 0 leaves it out.`,
  };
}

interface WeightedParameters
  extends Readonly<Record<string, number>>, Readonly<Record<ScorerName | "loadHalfLifeMs", number>> {}

class Weighted implements Policy {
  readonly name = "weighted";
  readonly parameters: WeightedParameters;
  readonly drawCount = 1;
  readonly usesPrefix: boolean;
  readonly usesEngineLoad: boolean;
  readonly valueCount = SCORER_VALUES;
  readonly #scorers: readonly {
    readonly name: ScorerName;
    readonly score: Scorer;
    readonly weight: number;
  }[];
  readonly #turns = new ColdTurns();
  readonly #sessions: Sessions;
  readonly #adapters = new AdapterMemory();
  #raw = new Float64Array(16);

  constructor(parameters: WeightedParameters, shared: SharedPolicyState | undefined) {
    this.parameters = parameters;
    this.#sessions = sessionsOf(SESSIONS, shared);
    this.#scorers = (Object.keys(SCORERS) as ScorerName[])
      .filter((name) => parameters[name] > 0)
      .map((name) => ({ name, score: SCORERS[name], weight: parameters[name] }));
    const { prefix, noHitLru, queue, running, kvUsage, lora } = parameters;
    this.usesPrefix = prefix > 0 || noHitLru > 0;
    this.usesEngineLoad = queue > 0 || running > 0 || kvUsage > 0 || lora > 0;
  }

  gather({ input, generation }: PolicyContext): void {
    const { loraName } = generation;
    const bound =
      this.parameters.affinity > 0 ? this.#sessions.candidateOf(sessionKey(generation), input) : -1;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const slot = input.slots[candidate]!;
      const start = candidate * SCORER_VALUES;
      input.policyValues[start + COLD_TURN] = this.#turns.of(slot);
      input.policyValues[start + IS_BOUND] = candidate === bound ? 1 : 0;
      input.policyValues[start + HAS_ADAPTER] =
        loraName !== undefined && this.#adapters.has(loraName, slot) ? 1 : 0;
    }
  }

  choose(input: DecisionInput, choice: Choice): void {
    const { candidateCount, scores } = input;
    if (this.#raw.length < candidateCount) {
      this.#raw = new Float64Array(scores.length);
    }
    const raw = this.#raw;
    scores.fill(0, 0, candidateCount);
    for (const { score, weight: counts } of this.#scorers) {
      score(input, raw, this.parameters);
      for (let candidate = 0; candidate < candidateCount; candidate += 1) {
        scores[candidate]! += counts * raw[candidate]!;
      }
    }
    pickBest(input, choice, byLoad);
    choice.reason = "score";
  }

  settle({ input, generation }: PolicyContext, candidate: number): void {
    const slot = input.slots[candidate]!;
    const key = this.parameters.affinity > 0 ? sessionKey(generation) : undefined;
    if (key !== undefined) {
      this.#sessions.bind(key, input, candidate);
    }
    if (generation.loraName !== undefined) {
      this.#adapters.mark(generation.loraName, slot);
    }
    if (isCold(input)) {
      this.#turns.mark(slot);
    }
  }

  breakdown(input: DecisionInput): readonly ScorePart[] {
    return this.#scorers.map(({ name, score, weight: counts }) => {
      const raw = new Float64Array(input.candidateCount);
      score(input, raw, this.parameters);
      return { name, weight: counts, raw: [...raw] };
    });
  }
}

function isCold({ candidateCount, matchedTokens }: DecisionInput): boolean {
  for (let candidate = 0; candidate < candidateCount; candidate += 1) {
    if (matchedTokens[candidate]! > 0) {
      return false;
    }
  }
  return true;
}
