import type { Snapshot, WorkerSlot } from "../snapshot.ts";
import { hashPair, hashString } from "./key-hash.ts";

const RING_SEED = 0x72696e67;
const FINE_SEED = 0x66696e65;
// A point is position · 2^16 + target in one double: 37 bits of position, so that two points hardly ever coincide.
const TARGETS = 2 ** 16;
const FINE_POSITIONS = 2 ** 5;

/**
 * The workers' virtual nodes on a circle. All workers of the snapshot are on it, whatever their health: one that is ill is
 * walked past, and nobody else's keys move. A worker with several ranks has nodes for each (`id@rank`). Positions depend on
 * names only, so every router and every thread has the same ring.
 */
export class HashRing {
  readonly #virtualNodes: number;
  readonly #targets = new Map<string, number>();
  readonly #freeTargets: number[] = [];
  readonly #slots: WorkerSlot[] = [];
  #snapshot: Snapshot | null = null;
  #points = new Float64Array(0);

  constructor(virtualNodes: number) {
    this.#virtualNodes = virtualNodes;
  }

  /** Takes in who came and who went; costs nothing when nobody did. */
  update(snapshot: Snapshot): void {
    if (snapshot === this.#snapshot) {
      return;
    }
    this.#snapshot = snapshot;
    const gone = new Set(this.#targets.keys());
    const come: number[] = [];
    for (const worker of snapshot.workers) {
      for (let rank = 0; rank < worker.ranks; rank += 1) {
        const name = worker.ranks === 1 ? worker.id : `${worker.id}@${rank}`;
        if (!gone.delete(name)) {
          come.push(this.#add(name));
        }
        this.#slots[this.#targets.get(name)!] = worker.slot + rank;
      }
    }
    if (gone.size > 0) {
      this.#remove(gone);
    }
    if (come.length > 0) {
      this.#merge(come);
    }
  }

  /** Number of nodes. */
  get size(): number {
    return this.#points.length;
  }

  /** Index of the first node at or after the position of a 32-bit hash, for {@link slotAt}. */
  indexOf(hash: number): number {
    const sought = hash * FINE_POSITIONS * TARGETS;
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

  /** Slot of the `index`-th node, counted round the circle. */
  slotAt(index: number): WorkerSlot {
    return this.#slots[this.#points[index % this.#points.length]! % TARGETS]!;
  }

  /** Gives the name a number; its nodes are merged in later, all at once. */
  #add(name: string): number {
    const target = this.#freeTargets.pop() ?? this.#targets.size;
    this.#targets.set(name, target);
    return target;
  }

  #remove(gone: ReadonlySet<string>): void {
    const isGone = new Uint8Array(TARGETS);
    for (const name of gone) {
      const target = this.#targets.get(name)!;
      isGone[target] = 1;
      this.#targets.delete(name);
      this.#freeTargets.push(target);
    }
    this.#points = this.#points.filter((point) => isGone[point % TARGETS] === 0);
  }

  #merge(come: readonly number[]): void {
    const isNew = new Set(come);
    const added = new Float64Array(come.length * this.#virtualNodes);
    let count = 0;
    for (const [name, target] of this.#targets) {
      if (!isNew.has(target)) {
        continue;
      }
      const hash = hashString(name, RING_SEED);
      const fineHash = hashString(name, FINE_SEED);
      for (let node = 0; node < this.#virtualNodes; node += 1) {
        const fine = hashPair(fineHash, node) % FINE_POSITIONS;
        added[count] = (hashPair(hash, node) * FINE_POSITIONS + fine) * TARGETS + target;
        count += 1;
      }
    }
    added.sort();
    const before = this.#points;
    const merged = new Float64Array(before.length + added.length);
    let old = 0;
    let fresh = 0;
    for (let index = 0; index < merged.length; index += 1) {
      const isOldNext = fresh === added.length || (old < before.length && before[old]! < added[fresh]!);
      merged[index] = isOldNext ? before[old]! : added[fresh]!;
      old += isOldNext ? 1 : 0;
      fresh += isOldNext ? 0 : 1;
    }
    this.#points = merged;
  }
}
