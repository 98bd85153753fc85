import {
  BREAKER_DEFAULTS,
  createBreakerBoard,
  type BreakerGuard,
  type BreakerParameters,
  type BreakerState,
  type Clock,
  type WorkerSlot,
} from "@vllm-router/routing-core";

/** Hears that a worker's breaker changed. */
export type BreakerListener = (slot: WorkerSlot, from: BreakerState, to: BreakerState) => void;

/** The circuit breakers of all workers, and who wants to hear of them. Slots are workers' first slots. */
export interface Breakers {
  /** What dispatchers ask and tell. */
  readonly guard: BreakerGuard;
  state(slot: WorkerSlot): BreakerState;
  /** The slot's worker is gone: whoever comes next on it starts with a closed breaker. */
  forget(slot: WorkerSlot): void;
  watch(listener: BreakerListener): void;
  /** Milliseconds until the next open breaker is half open; Infinity when none is open. */
  nextExpiryInMs(): number;
  /** Lets breakers whose time has come go half open, so that the change is seen without a request. */
  expire(): void;
}

/** Creates the breakers. @throws RoutingError `invalid_parameter` */
export function createBreakers(parameters: Partial<BreakerParameters>, clock: Clock): Breakers {
  const listeners = new Set<BreakerListener>();
  const board = createBreakerBoard({
    parameters: { ...BREAKER_DEFAULTS, ...parameters },
    clock,
    onChange: (slot, { from, to }) => {
      for (const listener of listeners) {
        listener(slot, from, to);
      }
    },
  });
  return {
    guard: board,
    state: (slot) => board.state(slot),
    forget: (slot) => board.forget(slot),
    watch: (listener) => void listeners.add(listener),
    nextExpiryInMs: () => Math.max(0, board.nextDeadlineAtMs() - clock()),
    expire: () => board.expire(clock()),
  };
}
