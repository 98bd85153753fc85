import type { DecisionInput } from "../decision/decision-input.ts";
import { ModelWorkersCache } from "../decision/model-workers.ts";
import type { Snapshot } from "../snapshot.ts";
import { affinityHash } from "./affinity-key.ts";
import { hashPair, hashString } from "./key-hash.ts";
import type { Choice, Policy, PolicyContext } from "./policy.ts";
import { definePolicy } from "./policy-definition.ts";

const NAME_SEED = 0x72656e64;
const FINE_SEED = 0x66696e65;
const FINE_VALUES = 2 ** 20;

/** Columns of its state: the candidate's weight for the key, and whether nobody of the model has a higher one. */
const RANKING = 0;
const IS_OWNER = 1;
const VALUES = 2;

/**
 * The worker whose name makes the highest hash with the routing key (highest random weight). As stable as consistent
 * hashing, with an exactly even spread and no ring; the price is one hash per worker and decision.
 */
export const rendezvousHash = definePolicy({
  name: "rendezvous_hash",
  description:
    "The same routing key (session, user) always to the same worker: the one that ranks highest for it.",
  parameters: {},
  create: () => new RendezvousHash(),
});

class RendezvousHash implements Policy {
  readonly name = "rendezvous_hash";
  readonly parameters = {};
  readonly drawCount = 0;
  readonly usesPrefix = false;
  readonly valueCount = VALUES;
  readonly #modelWorkers = new ModelWorkersCache();
  #snapshot: Snapshot | null = null;
  /** Hashes of the names of each slot's rank; grows to the highest slot. */
  #nameHashes = new Int32Array(0);
  #fineHashes = new Int32Array(0);

  gather({ input, generation, snapshot }: PolicyContext): void {
    this.#hashNames(snapshot);
    const key = affinityHash(generation);
    const { slots } = this.#modelWorkers.get(snapshot, generation.model).columns;
    let highest = -1;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const ranking = this.#ranking(input.slots[candidate]!, key);
      input.policyValues[candidate * VALUES + RANKING] = ranking;
      highest = ranking > highest ? ranking : highest;
    }
    // Those that are no candidates now may rank higher.
    for (let index = 0; index < slots.length && input.candidateCount < slots.length; index += 1) {
      const ranking = this.#ranking(slots[index]!, key);
      highest = ranking > highest ? ranking : highest;
    }
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const isOwner = input.policyValues[candidate * VALUES + RANKING] === highest;
      input.policyValues[candidate * VALUES + IS_OWNER] = isOwner ? 1 : 0;
    }
  }

  choose(input: DecisionInput, choice: Choice): void {
    let best = 0;
    let second = -1;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const ranking = input.policyValues[candidate * VALUES + RANKING]!;
      input.scores[candidate] = ranking;
      if (candidate === 0) {
        continue;
      }
      if (ranking > input.scores[best]!) {
        second = best;
        best = candidate;
      } else if (second < 0 || ranking > input.scores[second]!) {
        second = candidate;
      }
    }
    choice.candidate = best;
    choice.runnerUp = second;
    choice.tied = 1;
    choice.reason = input.policyValues[best * VALUES + IS_OWNER] === 1 ? "affinity" : "affinity_fallback";
  }

  /** 52 bits, so that two workers hardly ever rank alike. */
  #ranking(slot: number, key: number): number {
    const fine = hashPair(this.#fineHashes[slot]!, key) % FINE_VALUES;
    return hashPair(this.#nameHashes[slot]!, key) * FINE_VALUES + fine;
  }

  #hashNames(snapshot: Snapshot): void {
    if (snapshot === this.#snapshot) {
      return;
    }
    this.#snapshot = snapshot;
    const slots = snapshot.workers.reduce((most, worker) => Math.max(most, worker.slot + worker.ranks), 0);
    if (slots > this.#nameHashes.length) {
      this.#nameHashes = new Int32Array(slots);
      this.#fineHashes = new Int32Array(slots);
    }
    for (const worker of snapshot.workers) {
      for (let rank = 0; rank < worker.ranks; rank += 1) {
        const name = worker.ranks === 1 ? worker.id : `${worker.id}@${rank}`;
        this.#nameHashes[worker.slot + rank] = hashString(name, NAME_SEED);
        this.#fineHashes[worker.slot + rank] = hashString(name, FINE_SEED);
      }
    }
  }
}
