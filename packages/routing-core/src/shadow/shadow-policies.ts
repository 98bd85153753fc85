import type { Clock } from "../clock.ts";
import type { Decision, DecisionLeg, LegRole } from "../decision/decision.ts";
import { createDispatcher, type Dispatcher } from "../decision/dispatcher.ts";
import type { Settlement } from "../decision/settlement.ts";
import type { EngineLoadReader } from "../engine-load.ts";
import type { Generation } from "../generation.ts";
import { createLedger } from "../ledger.ts";
import type { Policy } from "../policy/policy.ts";
import { type BlockHasher, createBlockHasher } from "../prefix/block-keys.ts";
import type { PrefixIndex } from "../prefix/prefix-index.ts";
import { createPrefixIndex } from "../prefix/prefix-table.ts";
import type { RandomSource } from "../random-source.ts";
import type { BreakerGuard } from "../resilience/breaker-board.ts";
import type { Snapshot, WorkerSlot } from "../snapshot.ts";

/** What a shadow policy would have done. */
export interface ShadowDecision {
  readonly policy: string;
  /** Undefined where it found nobody: the virtual load is another one. */
  readonly worker: string | undefined;
  readonly rank: number | undefined;
  readonly reason: string;
  /** Prompt tokens that its worker would have had in its cache. */
  readonly matchedTokens: number;
  /** Whether it is the same rank of the same worker that was really chosen. */
  readonly agrees: boolean;
}

/** The virtual bookings of one real placement; told what the real one is told. */
export interface ShadowSettlement {
  readonly decisions: readonly ShadowDecision[];
  firstOutput(): void;
  addOutput(tokens: number): void;
  /** Further calls do nothing. */
  release(): void;
}

/** Where a generation really went. */
export interface ActualPlace {
  readonly legs: readonly Pick<DecisionLeg, "slot">[];
  /** Which part of the generation went there: shadows choose among the workers of that role. Default `serve`. */
  readonly role?: LegRole | undefined;
  /** False where the prompt is handed over computed: then it is no work for the virtual worker either. Default true. */
  readonly computesPrompt?: boolean | undefined;
}

/**
 * Policies that decide on what the acting policy decides on, each with a ledger and a prefix index of its own in which its
 * own choices are booked: so load and cache are those of a fleet that it had routed itself. Engines notice nothing.
 */
export interface ShadowPolicies {
  /** Decides and books; to be called for every placement, before the next one. */
  observe(generation: Generation, snapshot: Snapshot, actual: ActualPlace): ShadowSettlement;
  /** The slot's engine is another one: its virtual cache is empty. */
  clear(slot: WorkerSlot): void;
}

/** Options of {@link createShadowPolicies}. */
export interface ShadowPoliciesOptions {
  /** Policies of their own, not those that act. */
  readonly policies: readonly Policy[];
  /** The same policies once more for each leg, where generations are divided: what one remembers is of one kind of worker. */
  readonly legs?: Readonly<Record<"prefill" | "decode", readonly Policy[]>> | undefined;
  readonly slotCapacity: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** What the engines really report: shadows see it as the acting policy does. */
  readonly loads?: EngineLoadReader;
  /** The real breakers, which shadows ask and never tell anything. */
  readonly breakers?: BreakerGuard;
  readonly hasher?: BlockHasher;
  /** Memory of each virtual prefix index. Default 32 MiB. */
  readonly indexBytes?: number;
  /** Most blocks that one slot is believed to hold; 0 for no bound but the index's own. Default 0. */
  readonly blocksPerSlot?: number;
}

const DEFAULT_INDEX_BYTES = 32 * 1024 * 1024;

/** Creates shadows that have seen nothing yet. */
export function createShadowPolicies(options: ShadowPoliciesOptions): ShadowPolicies {
  const hasher = options.hasher ?? createBlockHasher();
  const of = (role: LegRole, policies: readonly Policy[] = []): readonly Shadow[] =>
    policies.map((policy) => createShadow(policy, { ...options, hasher, role }));
  const shadows = {
    serve: of("serve", options.policies),
    prefill: of("prefill", options.legs?.prefill),
    decode: of("decode", options.legs?.decode),
  };
  return {
    observe(generation, snapshot, actual) {
      const settlements: Settlement[] = [];
      const { role = "serve", computesPrompt = true } = actual;
      const decisions = shadows[role].map(({ policy, dispatcher }) => {
        const decision = dispatcher.decide(dispatcher.gather(generation, snapshot));
        if (decision.kind === "place") {
          settlements.push(dispatcher.settle(decision, { computesPrompt }));
        }
        return compare(policy.name, decision, actual);
      });
      return new ShadowBookings(decisions, settlements);
    },
    clear(slot) {
      for (const { index } of Object.values(shadows).flat()) {
        index.clear(slot);
      }
    },
  };
}

interface Shadow {
  readonly policy: Policy;
  readonly dispatcher: Dispatcher;
  readonly index: PrefixIndex;
}

function createShadow(policy: Policy, options: ShadowPoliciesOptions & { readonly role: LegRole }): Shadow {
  const { role, slotCapacity, clock, random, loads, breakers, hasher, blocksPerSlot = 0 } = options;
  const index = createPrefixIndex({
    slotCapacity,
    capacityBytes: options.indexBytes ?? DEFAULT_INDEX_BYTES,
  });
  for (let slot = 0; slot < slotCapacity && blocksPerSlot > 0; slot += 1) {
    index.setCapacity(slot, blocksPerSlot);
  }
  const dispatcher = createDispatcher({
    policy,
    role,
    ledger: createLedger({ slotCapacity }),
    index,
    recorder: index,
    tracksPrefix: true,
    clock,
    random,
    ...(hasher === undefined ? {} : { hasher }),
    ...(loads === undefined ? {} : { loads }),
    ...(breakers === undefined ? {} : { breakers: onlyAsking(breakers) }),
  });
  return { policy, dispatcher, index };
}

/** Breakers that hear nothing: what a shadow chooses is never tried. */
function onlyAsking(breakers: BreakerGuard): BreakerGuard {
  return {
    admits: (slot, nowMs) => breakers.admits(slot, nowMs),
    admitsAll: () => breakers.admitsAll(),
    started: () => 0,
    ended: () => undefined,
  };
}

function compare(policy: string, decision: Decision, actual: ActualPlace): ShadowDecision {
  const leg = decision.kind === "place" ? decision.legs[0] : undefined;
  return {
    policy,
    worker: leg?.worker,
    rank: leg?.rank,
    reason: decision.reason,
    matchedTokens: leg?.matchedTokens ?? 0,
    agrees: leg?.slot === actual.legs[0]?.slot,
  };
}

class ShadowBookings implements ShadowSettlement {
  readonly decisions: readonly ShadowDecision[];
  readonly #settlements: readonly Settlement[];
  #isReleased = false;

  constructor(decisions: readonly ShadowDecision[], settlements: readonly Settlement[]) {
    this.decisions = decisions;
    this.#settlements = settlements;
  }

  firstOutput(): void {
    for (const settlement of this.#settlements) {
      settlement.firstOutput();
    }
  }

  addOutput(tokens: number): void {
    for (const settlement of this.#settlements) {
      settlement.addOutput(tokens);
    }
  }

  release(): void {
    if (this.#isReleased) {
      return;
    }
    this.#isReleased = true;
    for (const settlement of this.#settlements) {
      settlement.release();
    }
  }
}
