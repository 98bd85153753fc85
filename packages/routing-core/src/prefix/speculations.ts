import { OpenIndex } from "./open-index.ts";
import { RUN_BLOCKS } from "./prefix-table-layout.ts";

const WORDS = 6;
const SLOT = 0;
const BLOCK = 1;
const KEY_LOW = 2;
const KEY_HIGH = 3;
const RUN_LOW = 4;
const RUN_HIGH = 5;

/** What a speculation claims: that a slot will soon hold a block of a prompt. */
export interface SpeculatedBlock {
  readonly slot: number;
  readonly block: number;
  /** Keys of the prompt. */
  readonly words: Int32Array;
}

/**
 * Blocks that a placement will bring into an engine's cache, until the engine says so. What it does not say in time is
 * taken back. A ring in the order of expiry; the oldest are taken back early when it is full.
 */
export class Speculations {
  readonly #words: Int32Array;
  readonly #expiresAtMs: Float64Array;
  readonly #capacity: number;
  readonly #index: OpenIndex;
  readonly #takeBack: (slot: number, block: number, words: Int32Array) => void;
  readonly #scratch: Int32Array;
  #first = 0;
  #count = 0;

  /** `takeBack` is told what expires, with the keys it needs at their places in a prompt's keys. */
  constructor(options: {
    readonly capacity: number;
    /** Words of a prompt's keys at most. */
    readonly scratch: Int32Array;
    readonly takeBack: (slot: number, block: number, words: Int32Array) => void;
  }) {
    this.#capacity = options.capacity;
    this.#words = new Int32Array(options.capacity * WORDS);
    this.#expiresAtMs = new Float64Array(options.capacity);
    this.#index = new OpenIndex(options.capacity);
    this.#takeBack = options.takeBack;
    this.#scratch = options.scratch;
  }

  /** Entries, confirmed ones that have not expired yet included. */
  get size(): number {
    return this.#count;
  }

  add(block: SpeculatedBlock, expiresAtMs: number): void {
    const { slot, words } = block;
    this.confirm(slot, words[2 * block.block]!, words[2 * block.block + 1]!);
    if (this.#count === this.#capacity) {
      this.#dropFirst();
    }
    const entry = (this.#first + this.#count) % this.#capacity;
    this.#count += 1;
    const base = entry * WORDS;
    this.#words[base + SLOT] = slot;
    this.#words[base + BLOCK] = block.block;
    this.#words[base + KEY_LOW] = words[2 * block.block]!;
    this.#words[base + KEY_HIGH] = words[2 * block.block + 1]!;
    this.#words[base + RUN_LOW] = words[2 * runStartOf(block.block)]!;
    this.#words[base + RUN_HIGH] = words[2 * runStartOf(block.block) + 1]!;
    this.#expiresAtMs[entry] = expiresAtMs;
    this.#index.add(this.#hashOf(entry), entry);
  }

  /** The engine holds the block: it is no speculation any more. Returns whether it was one. */
  confirm(slot: number, keyLow: number, keyHigh: number): boolean {
    if (this.#count === 0) {
      return false;
    }
    const words = this.#words;
    for (let cell = this.#index.start(hash(slot, keyLow, keyHigh)); ; cell = this.#index.next(cell)) {
      const entry = this.#index.at(cell);
      if (entry < 0) {
        return false;
      }
      const base = entry * WORDS;
      if (words[base + KEY_LOW] === keyLow && words[base + KEY_HIGH] === keyHigh && words[base] === slot) {
        this.#index.remove(this.#hashOf(entry), entry);
        words[base + SLOT] = -1;
        return true;
      }
    }
  }

  /** Forgets all about a slot without taking anything back. */
  forget(slot: number): void {
    for (let each = 0; each < this.#count; each += 1) {
      const entry = (this.#first + each) % this.#capacity;
      if (this.#words[entry * WORDS + SLOT] === slot) {
        this.#index.remove(this.#hashOf(entry), entry);
        this.#words[entry * WORDS + SLOT] = -1;
      }
    }
  }

  /** Takes back what has expired. */
  expire(nowMs: number): void {
    while (this.#count > 0) {
      const isDead = this.#words[this.#first * WORDS + SLOT] === -1;
      if (!isDead && this.#expiresAtMs[this.#first]! > nowMs) {
        return;
      }
      this.#dropFirst();
    }
  }

  #dropFirst(): void {
    const entry = this.#first;
    const base = entry * WORDS;
    const slot = this.#words[base + SLOT]!;
    this.#first = (this.#first + 1) % this.#capacity;
    this.#count -= 1;
    if (slot < 0) {
      return;
    }
    this.#index.remove(this.#hashOf(entry), entry);
    const block = this.#words[base + BLOCK]!;
    const runStart = 2 * runStartOf(block);
    this.#scratch[runStart] = this.#words[base + RUN_LOW]!;
    this.#scratch[runStart + 1] = this.#words[base + RUN_HIGH]!;
    this.#scratch[2 * block] = this.#words[base + KEY_LOW]!;
    this.#scratch[2 * block + 1] = this.#words[base + KEY_HIGH]!;
    this.#takeBack(slot, block, this.#scratch);
  }

  #hashOf(entry: number): number {
    const base = entry * WORDS;
    return hash(this.#words[base + SLOT]!, this.#words[base + KEY_LOW]!, this.#words[base + KEY_HIGH]!);
  }
}

function hash(slot: number, low: number, high: number): number {
  return (low ^ Math.imul(slot + 1, 0x9e3779b1)) + Math.imul(high, 0x85ebca6b);
}

function runStartOf(block: number): number {
  return block & ~(RUN_BLOCKS - 1);
}
