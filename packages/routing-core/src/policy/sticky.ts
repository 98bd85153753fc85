import type { DecisionInput } from "../decision/decision-input.ts";
import { sessionKey } from "./affinity-key.ts";
import { pickBest, type TieOrder } from "./pick-best.ts";
import type { Choice, Policy, PolicyContext } from "./policy.ts";
import { definePolicy, type SharedPolicyState } from "./policy-definition.ts";
import { BOUND_ELSEWHERE, type Sessions } from "./session-table.ts";
import { sessionsOf } from "./sessions-of.ts";
import { sharedSessionsSizeBytes } from "./shared-session-table.ts";

/** Columns of its state: where the session is bound, and how many sessions the candidate has. */
const BINDING = 0;
const SESSIONS = 1;
const VALUES = 2;

const BOUND_HERE = 1;
const BOUND_AWAY = -1;

/**
 * A session stays on the worker that served it first, by a table and not by a hash: new workers take nothing away from
 * old ones. A new session goes where least is in flight, then where fewest sessions are. When its worker cannot take it,
 * another one does and keeps it.
 */
export const sticky = definePolicy({
  name: "sticky",
  description: "A session (header or body field) stays on its worker; a new one goes to the least loaded.",
  parameters: {
    sessionTtlSecs: {
      flag: null,
      default: 7200,
      minimum: 1,
      maximum: 2 ** 31 - 1,
      isInteger: true,
      description: "Seconds after its last request for which a session is remembered.",
    },
    maxSessions: {
      flag: null,
      default: 65_536,
      minimum: 1,
      maximum: 2 ** 24,
      isInteger: true,
      description: "Most sessions remembered; the least recently used is forgotten first.",
    },
  },
  create: (parameters, shared) => new Sticky(parameters, shared),
  sharedBytes: ({ maxSessions }, slotCapacity) =>
    sharedSessionsSizeBytes({ capacity: maxSessions, slotCapacity }),
});

interface StickyParameters extends Readonly<Record<string, number>> {
  readonly sessionTtlSecs: number;
  readonly maxSessions: number;
}

class Sticky implements Policy {
  readonly name = "sticky";
  readonly parameters: StickyParameters;
  readonly drawCount = 1;
  readonly usesPrefix = false;
  readonly valueCount = VALUES;
  readonly #sessions: Sessions;

  constructor(parameters: StickyParameters, shared: SharedPolicyState | undefined) {
    this.parameters = parameters;
    this.#sessions = sessionsOf(
      { capacity: parameters.maxSessions, ttlMs: parameters.sessionTtlSecs * 1000 },
      shared,
    );
  }

  gather({ input, generation }: PolicyContext): void {
    const bound = this.#sessions.candidateOf(sessionKey(generation), input);
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const elsewhere = bound === BOUND_ELSEWHERE ? BOUND_AWAY : 0;
      input.policyValues[candidate * VALUES + BINDING] = candidate === bound ? BOUND_HERE : elsewhere;
      input.policyValues[candidate * VALUES + SESSIONS] = this.#sessions.countOf(input.slots[candidate]!);
    }
  }

  choose(input: DecisionInput, choice: Choice): void {
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const isBound = input.policyValues[candidate * VALUES + BINDING] === BOUND_HERE;
      input.scores[candidate] = isBound ? 1 : 0 - input.inFlightRequests[candidate]!;
    }
    pickBest(input, choice, bySessions);
    const binding = input.policyValues[choice.candidate * VALUES + BINDING]!;
    const isFallback = binding === BOUND_AWAY;
    choice.reason = binding === BOUND_HERE ? "affinity" : isFallback ? "affinity_fallback" : "least_loaded";
  }

  settle({ input, generation }: PolicyContext, candidate: number): void {
    const key = sessionKey(generation);
    if (key !== undefined) {
      this.#sessions.bind(key, input, candidate);
    }
  }
}

const bySessions: TieOrder = ({ policyValues, prefillTokens }, a, b) =>
  policyValues[b * VALUES + SESSIONS]! - policyValues[a * VALUES + SESSIONS]! ||
  prefillTokens[b]! - prefillTokens[a]!;
