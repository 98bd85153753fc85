import type { DecisionInput } from "../decision/decision-input.ts";
import type { Choice, Policy, PolicyContext } from "./policy.ts";
import { hashString } from "./key-hash.ts";
import { definePolicy } from "./policy-definition.ts";

const MAX_MODELS = 1024;
const SHARED_TURNS = 4096;
const MODEL_SEED = 0x7475726e;

/**
 * Each model's workers in turn. Remembers the slot served last and not a counter, so a worker that comes, goes or is
 * passed over does not shift everybody else's turn.
 */
export const roundRobin = definePolicy({
  name: "round_robin",
  description: "Workers in turn.",
  parameters: {},
  create: (_parameters, shared) =>
    new RoundRobin(shared === undefined ? new OwnTurns() : new SharedTurns(shared.buffer)),
  sharedBytes: () => SHARED_TURNS * Int32Array.BYTES_PER_ELEMENT,
});

/** Whose turn it was last, by model. */
interface Turns {
  /** Slot after which the turn goes on; -1 for none. */
  begin(model: string, input: DecisionInput): number;
  served(model: string, slot: number): void;
}

class OwnTurns implements Turns {
  readonly #lastSlotByModel = new Map<string, number>();

  begin(model: string): number {
    return this.#lastSlotByModel.get(model) ?? -1;
  }

  served(model: string, slot: number): void {
    if (!this.#lastSlotByModel.has(model) && this.#lastSlotByModel.size >= MAX_MODELS) {
      this.#lastSlotByModel.clear();
    }
    this.#lastSlotByModel.set(model, slot);
  }
}

/**
 * Turns of several threads. A turn is taken when the decision begins: requests that come at one instant would all have
 * the same one if it were taken when they are placed. Models that fall on one place pass each other's turns over, and a
 * decision that comes to nothing passes its own over, which loses nothing.
 */
class SharedTurns implements Turns {
  readonly #nextSlots: Int32Array;

  constructor(buffer: ArrayBufferLike) {
    this.#nextSlots = new Int32Array(buffer);
  }

  begin(model: string, input: DecisionInput): number {
    const place = placeOf(model);
    for (;;) {
      const next = Atomics.load(this.#nextSlots, place);
      const taken = slotAfter(next - 1, input);
      if (Atomics.compareExchange(this.#nextSlots, place, next, taken + 1) === next) {
        return next - 1;
      }
    }
  }

  served(): void {
    // Its turn was taken when the decision began.
  }
}

/** The lowest candidate's slot after one, else the lowest. */
function slotAfter(last: number, { slots, candidateCount }: DecisionInput): number {
  let lowest = -1;
  let after = -1;
  for (let candidate = 0; candidate < candidateCount; candidate += 1) {
    const slot = slots[candidate]!;
    if (lowest < 0 || slot < lowest) lowest = slot;
    if (slot > last && (after < 0 || slot < after)) after = slot;
  }
  return after < 0 ? lowest : after;
}

function placeOf(model: string): number {
  return hashString(model, MODEL_SEED) % SHARED_TURNS;
}

class RoundRobin implements Policy {
  readonly name = "round_robin";
  readonly parameters = {};
  readonly drawCount = 0;
  readonly usesPrefix = false;
  readonly #turns: Turns;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  gather({ input, generation }: PolicyContext): void {
    const last = this.#turns.begin(generation.model, input);
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      input.policyValues[candidate] = input.slots[candidate]! > last ? 1 : 0;
    }
  }

  /** The lowest slot after the last one served, else the lowest slot. */
  choose(input: DecisionInput, choice: Choice): void {
    let best = -1;
    let second = -1;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const score = input.policyValues[candidate]! * 65_536 - input.slots[candidate]!;
      input.scores[candidate] = score;
      if (best < 0 || score > input.scores[best]!) {
        second = best;
        best = candidate;
      } else if (second < 0 || score > input.scores[second]!) {
        second = candidate;
      }
    }
    choice.candidate = best;
    choice.runnerUp = second;
    choice.tied = 1;
    choice.reason = "turn";
  }

  settle({ input, generation }: PolicyContext, candidate: number): void {
    this.#turns.served(generation.model, input.slots[candidate]!);
  }
}
