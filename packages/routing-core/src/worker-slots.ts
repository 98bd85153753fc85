import { RoutingError } from "./routing-error.ts";
import type { WorkerSlot } from "./snapshot.ts";

/** Hands out {@link WorkerSlot}s. One owner (the fleet); not for several threads. */
export interface WorkerSlots {
  readonly capacity: number;
  /** Slots in use, leaving ones included. */
  readonly used: number;
  /**
   * Takes `ranks` consecutive slots and returns the first. Throws `RoutingError("slots_exhausted")` when no run of that
   * length is free.
   */
  reserve(ranks: number): WorkerSlot;
  /**
   * Gives a worker's slots back. They are handed out again only once `isIdle` says that nothing is in flight on them, so
   * a late release of an old generation can never be booked on a new worker. Throws
   * `RoutingError("slot_not_reserved")` when `first` is not the start of a reserved run.
   */
  release(first: WorkerSlot): void;
}

/** Options of {@link createWorkerSlots}. */
export interface WorkerSlotsOptions {
  /** Number of slots that exist: the sum of all workers' ranks can never exceed it. */
  readonly capacity: number;
  /** True when nothing is in flight on the slot: usually `ledger.isIdle`. */
  readonly isIdle: (slot: WorkerSlot) => boolean;
  /** Called for each slot just before it is handed out again, for example to clear the prefix index. */
  readonly onReuse?: (slot: WorkerSlot) => void;
}

const FREE = 0;
const HELD = 1;
const LEAVING = 2;
const USED_BEFORE = 4;

/** Creates an allocator with every slot free. */
export function createWorkerSlots(options: WorkerSlotsOptions): WorkerSlots {
  const { capacity, isIdle, onReuse } = options;
  const states = new Uint8Array(capacity);
  const runLengths = new Map<WorkerSlot, number>();

  const reclaimIdle = (): void => {
    for (let slot = 0; slot < capacity; slot += 1) {
      if ((states[slot]! & 3) === LEAVING && isIdle(slot)) {
        states[slot] = FREE | USED_BEFORE;
      }
    }
  };
  const isFree = (slot: WorkerSlot): boolean => (states[slot]! & 3) === FREE;

  return {
    capacity,
    get used(): number {
      reclaimIdle();
      let used = 0;
      for (let slot = 0; slot < capacity; slot += 1) {
        used += isFree(slot) ? 0 : 1;
      }
      return used;
    },
    reserve(ranks) {
      if (!Number.isInteger(ranks) || ranks < 1) {
        throw new RoutingError("invalid_parameter", `ranks must be an integer of at least 1, got ${ranks}`);
      }
      reclaimIdle();
      let run = 0;
      for (let slot = 0; slot < capacity; slot += 1) {
        run = isFree(slot) ? run + 1 : 0;
        if (run === ranks) {
          const first = slot - ranks + 1;
          for (let taken = first; taken <= slot; taken += 1) {
            if ((states[taken]! & USED_BEFORE) !== 0) {
              onReuse?.(taken);
            }
            states[taken] = HELD | USED_BEFORE;
          }
          runLengths.set(first, ranks);
          return first;
        }
      }
      throw new RoutingError(
        "slots_exhausted",
        `no ${ranks} consecutive worker slots are free of ${capacity}`,
      );
    },
    release(first) {
      const length = runLengths.get(first);
      if (length === undefined) {
        throw new RoutingError("slot_not_reserved", `slot ${first} is not the start of a reserved run`);
      }
      runLengths.delete(first);
      for (let slot = first; slot < first + length; slot += 1) {
        states[slot] = LEAVING | USED_BEFORE;
      }
    },
  };
}
