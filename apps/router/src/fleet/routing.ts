import {
  createEngineCaches,
  createEngineLoadTable,
  createLedger,
  createPrefixIndex,
  createWorkerSlots,
  type EngineCaches,
  type EngineLoadTable,
  type Ledger,
  type PrefixIndex,
  type WorkerSlots,
} from "@vllm-router/routing-core";
import { createBreakers, type Breakers } from "./breakers.ts";
import { blocksOf, createDeciders, policiesOf, type Deciders } from "./deciders.ts";
import type { RoutingOptions } from "./routing-options.ts";
import { DEFAULT_SLOT_CAPACITY, indexOptions } from "./routing-memory.ts";

/** Everything that decides where a generation goes, where the fleet is run. */
export interface Routing extends Deciders {
  readonly slots: WorkerSlots;
  readonly ledger: Ledger;
  readonly index: PrefixIndex;
  /** What the engines hold, over the index. */
  readonly caches: EngineCaches;
  /** What engines last reported of themselves. */
  readonly loads: EngineLoadTable;
  /** Undefined when breakers are off. */
  readonly breakers: Breakers | undefined;
}

/** Builds the parts of routing-core that share one ledger. @throws RoutingError for an unknown policy or parameters out of range */
export function createRouting(options: RoutingOptions): Routing {
  const { now: clock, memory } = options;
  const slotCapacity = options.slotCapacity ?? DEFAULT_SLOT_CAPACITY;
  const ledger = createLedger({
    slotCapacity,
    ...(memory === undefined ? {} : { buffer: memory.ledger, threads: memory.threads }),
  });
  const policies = policiesOf(options);
  const loads = createEngineLoadTable({
    slotCapacity,
    ...(memory === undefined ? {} : { buffer: memory.loads }),
    adaptersChanged: options.adaptersChanged,
  });
  const index = createPrefixIndex({
    ...indexOptions(slotCapacity, policies.usesPrefix),
    ...(memory === undefined ? {} : { buffer: memory.index }),
  });
  const capacityBlocks = blocksOf(policies.maxTreeTokens);
  const caches = createEngineCaches({
    index,
    slotCapacity,
    clock,
    capacityBlocks,
    ...(memory === undefined ? {} : { traits: memory.traits }),
  });
  const slots = createWorkerSlots({
    capacity: slotCapacity,
    isIdle: (slot) => ledger.isIdle(slot),
    onReuse: (slot) => {
      caches.reset(slot);
      deciders.shadows?.token.clear(slot);
      deciders.shadows?.proxy.clear(slot);
    },
  });
  limitBlocks(index, capacityBlocks);
  const breakers =
    options.breaker === undefined
      ? undefined
      : (options.breakerSummary ?? createBreakers(options.breaker, clock));
  if (options.breakerChanged !== undefined) {
    breakers?.watch(options.breakerChanged);
  }
  const deciders = createDeciders(options, { policies, slotCapacity, ledger, loads, caches, breakers });
  return { ...deciders, loads, slots, ledger, index, caches, breakers };
}

function limitBlocks(index: PrefixIndex, blocks: number): void {
  for (let slot = 0; slot < index.slotCapacity && blocks > 0; slot += 1) {
    index.setCapacity(slot, blocks);
  }
}
