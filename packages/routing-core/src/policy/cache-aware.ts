import type { PlaceReason } from "../decision/decision.ts";
import type { DecisionInput } from "../decision/decision-input.ts";
import type { WorkerSlot } from "../snapshot.ts";
import { crowdedFrom, crowdOf, isSpare } from "./crowd.ts";
import { byLoad, pickBest, type TieOrder } from "./pick-best.ts";
import type { Choice, Policy, PolicyContext } from "./policy.ts";
import { definePolicy, type SharedPolicyState } from "./policy-definition.ts";
import { RECENT_WORK_HEAD, RecentWork } from "./recent-work.ts";
import { SlotValues } from "./slot-values.ts";

/**
 * The worker that holds most of the prompt, unless it is overloaded; else the least loaded. The Rust router's parameters
 * and defaults, on exact token ids and with its known defects repaired: load is what is in flight at this instant; the
 * balance rule is applied to the worker that would be chosen, so one busy worker does not cost all others their
 * affinity; among equals the less loaded is taken, then the one that was given least to do of late, then one is drawn.
 *
 * What many prompts begin with has to be copied to further workers at some time, and neither at once nor never. It is the
 * question whether to go on renting or to buy: whatever is placed on a crowded worker adds to what that worker owes, and a
 * prompt leaves its crowded holder when that owes more tokens than have to be computed anew elsewhere, which pays the debt
 * off. So a short crowd moves nobody, a lasting one moves the shortest prefixes first and one at a time, and what
 * is lost by staying is never much more than what a copy costs. A worker that is given as good as nothing meanwhile is
 * credited with its share of what the crowded ones get, and is taken once that is what the copy costs.
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
    waitTokens: {
      flag: null,
      default: 192,
      minimum: 0,
      maximum: 2 ** 31 - 1,
      isInteger: true,
      description:
        "Prompt tokens that a placement on a crowded worker adds to its debt, per generation beyond one and a half times the mean in flight and one, or beyond the mean for one that was given half as much again as the mean of late; a prompt that costs less than the debt to compute elsewhere, or than what a worker without work is credited with, goes there. 0 leaves this out.",
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
  create: (parameters, shared) => new CacheAware(parameters, shared),
  sharedBytes: (_parameters, slotCapacity) =>
    (RECENT_WORK_HEAD + VALUES * slotCapacity) * Float64Array.BYTES_PER_ELEMENT,
});

/** A generated token takes an engine as long as about ten of a prompt; more than so many are not counted on. */
const GENERATED_WEIGHT = 10;
const MOST_GENERATED = 100;
/** Values per candidate: its recent work, what it owes, what it is credited with. */
const VALUES = 3;
const WORK = 0;
const DEBT = 1;
const CREDIT = 2;

interface CacheAwareParameters extends Readonly<Record<string, number>> {
  readonly cacheThreshold: number;
  readonly balanceAbsThreshold: number;
  readonly balanceRelThreshold: number;
  readonly waitTokens: number;
}

class CacheAware implements Policy {
  readonly name = "cache_aware";
  readonly parameters: CacheAwareParameters;
  readonly drawCount = 1;
  readonly usesPrefix = true;
  readonly valueCount = VALUES;
  readonly #work: RecentWork;
  readonly #debts: SlotValues;
  readonly #credits: SlotValues;

  constructor(parameters: CacheAwareParameters, shared: SharedPolicyState | undefined) {
    this.parameters = parameters;
    const memory = shared === undefined ? undefined : new Float64Array(shared.buffer);
    const slots = shared?.slotCapacity ?? 0;
    const debtsAt = RECENT_WORK_HEAD + slots;
    this.#work = new RecentWork(memory?.subarray(0, debtsAt));
    this.#debts = new SlotValues(memory?.subarray(debtsAt, debtsAt + slots));
    this.#credits = new SlotValues(memory?.subarray(debtsAt + slots));
  }

  gather({ input }: PolicyContext): void {
    const { candidateCount, slots, policyValues } = input;
    for (let candidate = 0; candidate < candidateCount; candidate += 1) {
      const slot = slots[candidate]!;
      policyValues[VALUES * candidate + WORK] = this.#work.of(slot);
      policyValues[VALUES * candidate + DEBT] = this.#debts.of(slot);
      policyValues[VALUES * candidate + CREDIT] = this.#credits.of(slot);
    }
  }

  choose(input: DecisionInput, choice: Choice): void {
    const { candidateCount, inFlightRequests, matchedTokens, promptTokens, policyValues, scores } = input;
    const { cacheThreshold, balanceAbsThreshold, balanceRelThreshold } = this.parameters;
    const crowd = crowdOf(input, WORK);
    const { leastInFlight } = crowd;
    const mostInFlight = Math.max(leastInFlight + balanceAbsThreshold, leastInFlight * balanceRelThreshold);
    const neededTokens = cacheThreshold * promptTokens;
    let isHeldByOverloaded = false;
    let leastOfHolders = Infinity;
    for (let candidate = 0; candidate < candidateCount; candidate += 1) {
      const matched = matchedTokens[candidate]!;
      const inFlight = inFlightRequests[candidate]!;
      const isHolder = matched > neededTokens;
      const isOverloaded = inFlight > mostInFlight;
      const isCrowded = inFlight > crowdedFrom(crowd, policyValues[VALUES * candidate + WORK]!);
      const debt = isCrowded ? policyValues[VALUES * candidate + DEBT]! : 0;
      scores[candidate] = isHolder && !isOverloaded ? Math.max(0, matched - debt) : 0;
      isHeldByOverloaded ||= isHolder && scores[candidate] === 0;
      if (scores[candidate]! > 0) {
        leastOfHolders = Math.min(leastOfHolders, inFlight);
      }
    }
    if (leastOfHolders < Infinity && leastOfHolders > crowd.meanInFlight) {
      for (let candidate = 0; candidate < candidateCount; candidate += 1) {
        scores[candidate] = Math.max(scores[candidate]!, policyValues[VALUES * candidate + CREDIT]!);
      }
    }
    pickBest(input, choice, byLoadThenWork);
    const isPrefix = scores[choice.candidate]! > 0 && matchedTokens[choice.candidate]! > neededTokens;
    choice.reason = reasonOf(isPrefix, isHeldByOverloaded || scores[choice.candidate]! > 0);
  }

  settle({ input }: PolicyContext, candidate: number): void {
    const { candidateCount, slots, inFlightRequests, matchedTokens, promptTokens, maxTokens, policyValues } =
      input;
    const { cacheThreshold, waitTokens } = this.parameters;
    const matched = matchedTokens[candidate]!;
    const crowd = crowdOf(input, WORK);
    const inFlight = inFlightRequests[candidate]!;
    const work =
      promptTokens - matched + GENERATED_WEIGHT * Math.min(maxTokens || MOST_GENERATED, MOST_GENERATED);
    const share = waitTokens > 0 && inFlight > crowd.meanInFlight ? work / candidateCount : 0;
    for (let each = 0; each < candidateCount; each += 1) {
      const slot = slots[each]!;
      if (matchedTokens[each]! > matched && matchedTokens[each]! > cacheThreshold * promptTokens) {
        this.#owe(slot, matched - matchedTokens[each]!);
      }
      const isIdle = each !== candidate && isSpare(crowd, policyValues[VALUES * each + WORK]!);
      const before = this.#credits.of(slot);
      const credit = isIdle ? before + share : 0;
      // Nearly always 0 before and after: what is not written does not have to be fetched by another thread again.
      if (credit !== before) {
        this.#credits.set(slot, credit);
      }
    }
    this.#owe(
      slots[candidate]!,
      waitTokens * (inFlight - crowdedFrom(crowd, policyValues[VALUES * candidate + WORK]!)),
    );
    this.#work.add(slots[candidate]!, {
      work,
      slots: candidateCount,
      atMs: input.atMs,
      isAfterIdleness: crowd.meanInFlight === 0,
    });
  }

  /** Adds to what the slot owes, or takes off. */
  #owe(slot: WorkerSlot, tokens: number): void {
    this.#debts.set(slot, Math.max(0, this.#debts.of(slot) + tokens));
  }
}

function reasonOf(isPrefix: boolean, isHeldByOverloaded: boolean): PlaceReason {
  if (isPrefix) {
    return "prefix";
  }
  return isHeldByOverloaded ? "balance" : "least_loaded";
}

const byLoadThenWork: TieOrder = (input, a, b) =>
  byLoad(input, a, b) || input.policyValues[VALUES * b + WORK]! - input.policyValues[VALUES * a + WORK]!;
