import type { BlockHash } from "./block-hash.ts";

/** Hears which cached blocks leave the cache. */
export interface BlockPoolObserver {
  blockRemoved(hash: BlockHash): void;
}

const nobody = -1;

/**
 * KV blocks of one engine rank: reference counts, a least-recently-used list of free blocks that keep their content
 * until they are taken again, and the index from hash to block. As in vLLM, one hash may be held by several blocks,
 * and block 0 is a placeholder that is never handed out.
 */
export class BlockPool {
  /** Blocks that can be handed out. */
  readonly usableBlocks: number;
  readonly #observer: BlockPoolObserver;
  readonly #references: Int32Array;
  readonly #hashes: (BlockHash | undefined)[];
  readonly #previousFree: Int32Array;
  readonly #nextFree: Int32Array;
  readonly #cached = new Map<BlockHash, number[]>();
  #freeBlocks: number;

  constructor(totalBlocks: number, observer: BlockPoolObserver) {
    this.usableBlocks = totalBlocks - 1;
    this.#observer = observer;
    this.#references = new Int32Array(totalBlocks);
    this.#hashes = Array.from({ length: totalBlocks });
    this.#previousFree = new Int32Array(totalBlocks);
    this.#nextFree = new Int32Array(totalBlocks);
    this.#freeBlocks = this.usableBlocks;
    // Block 0 heads the circular list of free blocks: the next one is taken first.
    for (let block = 0; block < totalBlocks; block++) {
      this.#previousFree[block] = (block + totalBlocks - 1) % totalBlocks;
      this.#nextFree[block] = (block + 1) % totalBlocks;
    }
  }

  /** Blocks that nobody uses, cached or not. */
  get freeBlocks(): number {
    return this.#freeBlocks;
  }

  /** Part of the usable blocks in use, 0 to 1. */
  get usage(): number {
    return 1 - this.#freeBlocks / this.usableBlocks;
  }

  /** A block that holds this content, or -1. */
  find(hash: BlockHash): number {
    return this.#cached.get(hash)?.[0] ?? nobody;
  }

  /** Whether nobody uses the block. */
  isFree(block: number): boolean {
    return this.#references[block] === 0;
  }

  /** Uses a cached block once more. */
  use(block: number): void {
    if (this.#references[block] === 0) this.#unlink(block);
    this.#references[block] = (this.#references[block] ?? 0) + 1;
  }

  /** Takes the least recently used free block; what it held is forgotten. Check `freeBlocks` first. */
  take(): number {
    const block = this.#nextFree[0] ?? 0;
    if (block === 0) throw new RangeError("no free KV block");
    this.#unlink(block);
    this.#forget(block);
    this.#references[block] = 1;
    return block;
  }

  /** Makes the content of a full block findable. */
  register(block: number, hash: BlockHash): void {
    this.#hashes[block] = hash;
    const blocks = this.#cached.get(hash);
    if (blocks === undefined) this.#cached.set(hash, [block]);
    else blocks.push(block);
  }

  /** Gives back the blocks of a sequence, in its order: the end of a prefix is taken again before its beginning. */
  release(blocks: readonly number[]): void {
    for (let index = blocks.length - 1; index >= 0; index--) {
      const block = blocks[index] ?? 0;
      const references = (this.#references[block] ?? 0) - 1;
      this.#references[block] = references;
      if (references === 0) this.#append(block);
    }
  }

  /** Forgets all content; refused (false) while any block is in use. */
  clear(): boolean {
    if (this.#freeBlocks !== this.usableBlocks) return false;
    this.#cached.clear();
    this.#hashes.fill(undefined);
    return true;
  }

  #forget(block: number): void {
    const hash = this.#hashes[block];
    if (hash === undefined) return;
    this.#hashes[block] = undefined;
    const blocks = this.#cached.get(hash) ?? [];
    if (blocks.length <= 1) this.#cached.delete(hash);
    else blocks.splice(blocks.indexOf(block), 1);
    this.#observer.blockRemoved(hash);
  }

  #unlink(block: number): void {
    const previous = this.#previousFree[block] ?? 0;
    const next = this.#nextFree[block] ?? 0;
    this.#nextFree[previous] = next;
    this.#previousFree[next] = previous;
    this.#freeBlocks--;
  }

  #append(block: number): void {
    const last = this.#previousFree[0] ?? 0;
    this.#nextFree[last] = block;
    this.#previousFree[block] = last;
    this.#nextFree[block] = 0;
    this.#previousFree[0] = block;
    this.#freeBlocks++;
  }
}
