import type { WorkerSlot } from "../snapshot.ts";

const MAX_ADAPTERS = 1024;
const MAX_SLOTS_PER_ADAPTER = 64;

/** On which slots a LoRA adapter ran last: bounded, least recently used first. */
export class AdapterMemory {
  readonly #slotsOf = new Map<string, Set<WorkerSlot>>();

  has(adapter: string, slot: WorkerSlot): boolean {
    return this.#slotsOf.get(adapter)?.has(slot) ?? false;
  }

  /** The adapter runs on the slot now. */
  mark(adapter: string, slot: WorkerSlot): void {
    const slots = this.#slotsOf.get(adapter) ?? new Set();
    this.#slotsOf.delete(adapter);
    dropOldest(this.#slotsOf, MAX_ADAPTERS);
    this.#slotsOf.set(adapter, slots);
    slots.delete(slot);
    dropOldest(slots, MAX_SLOTS_PER_ADAPTER);
    slots.add(slot);
  }
}

function dropOldest(keyed: Map<string, unknown> | Set<WorkerSlot>, capacity: number): void {
  if (keyed.size >= capacity) {
    const [oldest] = keyed.keys();
    (keyed as Set<unknown>).delete(oldest);
  }
}
