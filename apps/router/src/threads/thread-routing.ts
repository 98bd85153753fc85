import {
  attachRing,
  createEngineLoadTable,
  createLedger,
  createPrefixIndex,
  createRemoteCaches,
  type EngineLoadTable,
  type Ledger,
  type PlacementCaches,
  type WorkerSlot,
} from "@vllm-router/routing-core";
import { createBreakers, type Breakers } from "../fleet/breakers.ts";
import { createDeciders, policiesOf, type Deciders } from "../fleet/deciders.ts";
import { indexOptions } from "../fleet/routing-memory.ts";
import type { RoutingOptions } from "../fleet/routing-options.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** Everything that decides where a generation goes, in a request thread. */
export interface ThreadRouting extends Deciders {
  readonly ledger: Ledger;
  readonly caches: PlacementCaches;
  /** This thread's own; undefined when breakers are off. */
  readonly breakers: Breakers | undefined;
  /** What engines report; only their adapters are to be told, the rest is shared. */
  readonly loads: EngineLoadTable;
  /** Another thread saw an attempt on a worker fail. */
  failedElsewhere(slot: WorkerSlot): void;
}

/** Attaches to the shared state. @throws RoutingError for an unknown policy or parameters out of range */
export function createThreadRouting(
  options: Pick<RoutingOptions, "policy" | "parameters" | "legs" | "decider" | "breaker" | "now" | "random">,
  shared: {
    readonly thread: number;
    readonly memory: SharedMemory;
    /** The fleet's thread rests and has placements to take in. */
    readonly wake: () => void;
    /** Undefined where there are none. */
    readonly shadows: Deciders["shadows"];
    /** An attempt on a worker failed here. */
    readonly failed: (slot: WorkerSlot) => void;
  },
): ThreadRouting {
  const { thread, memory, shadows, wake, failed } = shared;
  const { slotCapacity, threads } = memory;
  const policies = policiesOf(options, memory.policyState);
  const ledger = createLedger({ slotCapacity, buffer: memory.ledger, threads, thread });
  const index = createPrefixIndex({
    ...indexOptions(slotCapacity, memory.usesPrefix),
    buffer: memory.index,
  });
  const caches = createRemoteCaches({
    index,
    slotCapacity,
    traits: memory.traits,
    ring: attachRing(memory.rings[thread]!),
    wake,
  });
  const own = options.breaker === undefined ? undefined : createBreakers(options.breaker, options.now);
  const breakers = own === undefined ? undefined : tellingOfFailures(own, failed);
  const loads = createEngineLoadTable({ slotCapacity, buffer: memory.loads });
  const deciders = createDeciders(options, { policies, slotCapacity, ledger, loads, caches, breakers });
  return {
    ...deciders,
    shadows,
    looksAtPrompts: deciders.looksAtPrompts || shadows !== undefined,
    ledger,
    loads,
    caches,
    breakers,
    failedElsewhere: (slot) => own?.guard.ended(slot, own.guard.started(slot), "failure"),
  };
}

function tellingOfFailures(breakers: Breakers, failed: (slot: WorkerSlot) => void): Breakers {
  const { guard } = breakers;
  return {
    ...breakers,
    guard: {
      admits: (slot, nowMs) => guard.admits(slot, nowMs),
      admitsAll: () => guard.admitsAll(),
      started: (slot) => guard.started(slot),
      ended: (slot, period, outcome) => {
        guard.ended(slot, period, outcome);
        if (outcome === "failure") {
          failed(slot);
        }
      },
    },
  };
}
