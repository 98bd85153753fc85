import type { DecisionInput } from "../decision/decision-input.ts";
import { affinityHash } from "./affinity-key.ts";
import { HashRing } from "./hash-ring.ts";
import type { Choice, Policy, PolicyContext } from "./policy.ts";
import { definePolicy } from "./policy-definition.ts";

const OWNER = 3;
const SUCCESSOR = 2;
const RUNNER_UP = 1;
const NO_CANDIDATE = -1;

/**
 * The same routing key to the same worker, and few keys move when workers come and go. Without a routing key the whole
 * prompt is the key. When the key's owner cannot take it, the next worker on the ring does, a different one for
 * different keys: a failure does not pile one worker's traffic onto one other.
 */
export const consistentHash = definePolicy({
  name: "consistent_hash",
  description: "The same routing key (session, user) always to the same worker.",
  parameters: {
    virtualNodes: {
      flag: null,
      default: 160,
      minimum: 1,
      maximum: 10_000,
      isInteger: true,
      description: "Nodes of each worker on the ring; more spread the keys more evenly.",
    },
  },
  create: (parameters) => new ConsistentHash(parameters),
});

interface ConsistentHashParameters extends Readonly<Record<string, number>> {
  readonly virtualNodes: number;
}

class ConsistentHash implements Policy {
  readonly name = "consistent_hash";
  readonly parameters: ConsistentHashParameters;
  readonly drawCount = 0;
  readonly usesPrefix = false;
  readonly #ring: HashRing;
  #candidateOfSlot = new Int32Array(64).fill(NO_CANDIDATE);

  constructor(parameters: ConsistentHashParameters) {
    this.parameters = parameters;
    this.#ring = new HashRing(parameters.virtualNodes);
  }

  /** Walks the ring from the key to the first candidate and the one after it, and marks both. */
  gather({ input, generation, snapshot }: PolicyContext): void {
    this.#ring.update(snapshot);
    const candidateOfSlot = this.#mapSlots(input);
    const start = this.#ring.indexOf(affinityHash(generation));
    let chosen = NO_CANDIDATE;
    for (let step = 0; step < this.#ring.size; step += 1) {
      const candidate = candidateOfSlot[this.#ring.slotAt(start + step)] ?? NO_CANDIDATE;
      if (candidate === NO_CANDIDATE || candidate === chosen) {
        continue;
      }
      if (chosen !== NO_CANDIDATE) {
        input.policyValues[candidate] = RUNNER_UP;
        break;
      }
      chosen = candidate;
      input.policyValues[candidate] = step === 0 ? OWNER : SUCCESSOR;
      if (input.candidateCount === 1) {
        break;
      }
    }
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      candidateOfSlot[input.slots[candidate]!] = NO_CANDIDATE;
    }
  }

  choose(input: DecisionInput, choice: Choice): void {
    choice.candidate = 0;
    choice.tied = 1;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const value = input.policyValues[candidate]!;
      input.scores[candidate] = value;
      if (value >= SUCCESSOR) {
        choice.candidate = candidate;
        choice.reason = value === OWNER ? "affinity" : "affinity_fallback";
      } else if (value === RUNNER_UP) {
        choice.runnerUp = candidate;
      }
    }
  }

  #mapSlots(input: DecisionInput): Int32Array {
    let highest = 0;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      highest = Math.max(highest, input.slots[candidate]!);
    }
    if (highest >= this.#candidateOfSlot.length) {
      this.#candidateOfSlot = new Int32Array(2 * highest).fill(NO_CANDIDATE);
    }
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      this.#candidateOfSlot[input.slots[candidate]!] = candidate;
    }
    return this.#candidateOfSlot;
  }
}
