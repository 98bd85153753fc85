import {
  BREAKER_DEFAULTS,
  createBreakerBoard,
  createDispatcher,
  createLedger,
  createPolicy,
  createPrefixIndex,
  createWorkerSlots,
  type BreakerBoard,
  type Dispatcher,
  type Ledger,
  type PrefixIndex,
  type WorkerSlot,
  type WorkerSlots,
} from "@vllm-router/routing-core";
import type { Lane } from "./fleet-placer.ts";

/** Slots of a fleet: the sum of all workers' ranks can never exceed it. */
const SLOT_CAPACITY = 1024;

/** How routing is set up. */
export interface RoutingOptions {
  readonly policy: string;
  /** Parameters of the policy by their names in routing-core. */
  readonly parameters: Readonly<Partial<Record<string, number>>>;
  /** undefined switches breakers off. */
  readonly breaker:
    | {
        readonly failureThreshold: number;
        readonly successThreshold: number;
        readonly timeoutMs: number;
        readonly windowMs: number;
      }
    | undefined;
  readonly now: () => number;
  readonly random: () => number;
  /** A breaker changed. */
  readonly breakerChanged: (slot: WorkerSlot, from: string, to: string) => void;
}

/** Everything of routing-core that the router holds. */
export interface Routing {
  readonly ledger: Ledger;
  readonly index: PrefixIndex;
  readonly slots: WorkerSlots;
  readonly breakers: BreakerBoard | undefined;
  readonly dispatchers: Readonly<Record<Lane, Dispatcher>>;
}

/** Builds ledger, index, slots, breakers and one dispatcher a lane. @throws RoutingError for parameters out of range */
export function createRouting(options: RoutingOptions): Routing {
  const ledger = createLedger({ slotCapacity: SLOT_CAPACITY });
  const index = createPrefixIndex({ slotCapacity: SLOT_CAPACITY });
  const breakers =
    options.breaker === undefined
      ? undefined
      : createBreakerBoard({
          parameters: { ...BREAKER_DEFAULTS, ...options.breaker },
          clock: options.now,
          onChange: (slot, change) => options.breakerChanged(slot, change.from, change.to),
        });
  const slots = createWorkerSlots({
    capacity: SLOT_CAPACITY,
    isIdle: (slot) => ledger.isIdle(slot),
    onReuse: (slot) => {
      index.clear(slot);
      breakers?.forget(slot);
    },
  });
  const dispatcher = (): Dispatcher =>
    createDispatcher({
      policy: createPolicy(options.policy, options.parameters),
      ledger,
      index,
      recorder: index,
      clock: options.now,
      random: options.random,
      ...(breakers === undefined ? {} : { breakers }),
    });
  return { ledger, index, slots, breakers, dispatchers: { token: dispatcher(), proxy: dispatcher() } };
}
