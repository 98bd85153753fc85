import type { Snapshot, WorkerSlot } from "../snapshot.ts";
import { hashPair, hashString } from "./key-hash.ts";

const RING_SEED = 0x72696e67;
// Points sort by position, then by target: both fit into one double without loss.
const TARGETS = 2 ** 20;

/**
 * The workers' virtual nodes on a circle of 2^32 positions. All workers of the snapshot are on it, whatever their health:
 * one that is ill is walked past, and nobody else's keys move. A worker with several ranks has nodes for each
 * (`id@rank`).
 */
export class HashRing {
  readonly #virtualNodes: number;
  #snapshot: Snapshot | null = null;
  #names: readonly string[] = [];
  #slots: readonly WorkerSlot[] = [];
  #points = new Float64Array(0);

  constructor(virtualNodes: number) {
    this.#virtualNodes = virtualNodes;
  }

  /** Rebuilds the ring when the set of workers, or a worker's slot, has changed. */
  update(snapshot: Snapshot): void {
    if (snapshot === this.#snapshot) {
      return;
    }
    this.#snapshot = snapshot;
    const targets = targetsOf(snapshot);
    const isSame =
      targets.length === this.#names.length &&
      targets.every(({ name, slot }, index) => name === this.#names[index] && slot === this.#slots[index]);
    if (isSame) {
      return;
    }
    this.#names = targets.map(({ name }) => name);
    this.#slots = targets.map(({ slot }) => slot);
    this.#points = new Float64Array(targets.length * this.#virtualNodes);
    for (const [target, { name }] of targets.entries()) {
      const hash = hashString(name, RING_SEED);
      for (let node = 0; node < this.#virtualNodes; node += 1) {
        this.#points[target * this.#virtualNodes + node] = hashPair(hash, node) * TARGETS + target;
      }
    }
    this.#points.sort();
  }

  /** Index of the first node at or after the position, for {@link slotAt}. */
  indexOf(position: number): number {
    const sought = position * TARGETS;
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#points[middle]! < sought) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low === this.#points.length ? 0 : low;
  }

  /** Number of nodes. */
  get size(): number {
    return this.#points.length;
  }

  /** Slot of the `index`-th node, counted round the circle. */
  slotAt(index: number): WorkerSlot {
    return this.#slots[this.#points[index % this.#points.length]! % TARGETS]!;
  }
}

/** Sorted by name, so that equal positions are ordered alike whatever the order of the snapshot. */
function targetsOf(snapshot: Snapshot): { readonly name: string; readonly slot: WorkerSlot }[] {
  const targets = [];
  for (const worker of snapshot.workers) {
    for (let rank = 0; rank < worker.ranks; rank += 1) {
      const name = worker.ranks === 1 ? worker.id : `${worker.id}@${rank}`;
      targets.push({ name, slot: worker.slot + rank });
    }
  }
  return targets.sort((a, b) => (a.name < b.name ? -1 : 1));
}
