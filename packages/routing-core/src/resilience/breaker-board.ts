import type { Clock } from "../clock.ts";
import type { BreakerState, WorkerSlot } from "../snapshot.ts";
import {
  type AttemptOutcome,
  type BreakerChange,
  type BreakerParameters,
  type BreakerPeriod,
  type CircuitBreaker,
  createCircuitBreaker,
} from "./circuit-breaker.ts";

/** What a dispatcher asks of the breakers. Slots are workers' first slots: a breaker covers all ranks of a worker. */
export interface BreakerGuard {
  /** Whether the worker may get another attempt at this instant. */
  admits(slot: WorkerSlot, nowMs: number): boolean;
  /** True when every worker may get another attempt: then nobody need be asked one by one. */
  admitsAll(): boolean;
  /** An attempt on the worker begins. */
  started(slot: WorkerSlot): BreakerPeriod;
  /** Its outcome, or null when it ended without one; exactly once per `started`. */
  ended(slot: WorkerSlot, period: BreakerPeriod, outcome: AttemptOutcome | null): void;
}

/** The circuit breakers of one thread, one per worker, made when first needed. */
export interface BreakerBoard extends BreakerGuard {
  /** The state as of the last call that told the time. */
  state(slot: WorkerSlot): BreakerState;
  /** Forgets the worker: its slot starts again closed. Outcomes of its attempts no longer count. */
  forget(slot: WorkerSlot): void;
  /** Earliest end of an open period; Infinity when none is open. */
  nextDeadlineAtMs(): number;
  /** Turns those open into half-open whose time has come, so that the change is seen without a request. */
  expire(nowMs: number): void;
}

/** Options of {@link createBreakerBoard}. */
export interface BreakerBoardOptions {
  readonly parameters: BreakerParameters;
  readonly clock: Clock;
  readonly onChange?: (slot: WorkerSlot, change: BreakerChange) => void;
}

// Periods of a forgotten worker's breaker must not be taken for those of its successor.
const PERIODS_PER_WORKER = 2 ** 32;

/** Creates a board on which every worker's breaker is closed. */
export function createBreakerBoard(options: BreakerBoardOptions): BreakerBoard {
  const { parameters, clock, onChange } = options;
  const notClosed = new Set<WorkerSlot>();
  const breakers = new Map<WorkerSlot, { readonly breaker: CircuitBreaker; readonly base: number }>();
  let lives = 0;
  const breakerOf = (slot: WorkerSlot): { readonly breaker: CircuitBreaker; readonly base: number } => {
    let held = breakers.get(slot);
    if (held === undefined) {
      const breaker = createCircuitBreaker(parameters, (change) => {
        if (change.to === "closed") {
          notClosed.delete(slot);
        } else {
          notClosed.add(slot);
        }
        onChange?.(slot, change);
      });
      held = { breaker, base: lives * PERIODS_PER_WORKER };
      lives += 1;
      breakers.set(slot, held);
    }
    return held;
  };
  return {
    admits: (slot, nowMs) => breakers.get(slot)?.breaker.admits(nowMs) ?? true,
    admitsAll: () => notClosed.size === 0,
    started(slot) {
      const { breaker, base } = breakerOf(slot);
      return base + breaker.started(clock());
    },
    ended(slot, period, outcome) {
      const held = breakers.get(slot);
      held?.breaker.ended(period - held.base, outcome, clock());
    },
    state: (slot) => breakers.get(slot)?.breaker.state ?? "closed",
    forget(slot) {
      breakers.delete(slot);
      notClosed.delete(slot);
    },
    nextDeadlineAtMs() {
      let earliestAtMs = Infinity;
      for (const { breaker } of breakers.values()) {
        earliestAtMs = Math.min(earliestAtMs, breaker.nextDeadlineAtMs());
      }
      return earliestAtMs;
    },
    expire(nowMs) {
      for (const { breaker } of breakers.values()) {
        breaker.expire(nowMs);
      }
    },
  };
}
