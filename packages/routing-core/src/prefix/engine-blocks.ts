import type { ChainState } from "./block-chain.ts";
import type { EngineHashes, KvMedium } from "./kv-event.ts";
import { OpenIndex } from "./open-index.ts";
import { RUN_BLOCKS } from "./prefix-table-layout.ts";

const WORDS = 9;
const HASH_LOW = 0;
const HASH_HIGH = 1;
const META = 2;
const POSITION = 3;
const KEY_LOW = 4;
const KEY_HIGH = 5;
const RUN_LOW = 6;
const RUN_HIGH = 7;
const NEXT = 8;

const SLOT_MASK = 0xffff;
const COPIES_SHIFT: Readonly<Record<KvMedium, number>> = { device: 16, host: 18, storage: 20 };
const IS_HEAD = 1 << 22;
const IS_USED = 1 << 23;
/** vLLM keeps at most two copies of a block, and announces and removes them one at a time. */
const MOST_COPIES = 2;
const RUN_MASK = RUN_BLOCKS - 1;

/** A block of an engine, to be remembered. */
export interface EngineBlock {
  readonly slot: number;
  readonly hashes: EngineHashes;
  /** Which of the hashes. */
  readonly at: number;
  /** Index of its first block in the prompt, in the router's blocks. */
  readonly position: number;
  /** How many of the router's blocks it is. */
  readonly count: number;
  /** Keys of the prompt's blocks by position; those of the run it begins in included. */
  readonly words: Int32Array;
}

/**
 * What each engine block's hash stands for: the keys of the router's blocks it covers, and in which media it is. A fixed
 * number of records for all engines together; an engine block takes one per router block, linked from the first (its
 * head). When all are taken the next in turn gives way and its owner is told, so that it is no longer claimed.
 */
export class EngineBlocks {
  readonly #records: Int32Array;
  readonly #capacity: number;
  readonly #index: OpenIndex;
  readonly #evict: (head: number) => void;
  #free = -1;
  #fresh = 0;
  #hand = 0;
  #used = 0;

  /** `evict` is called for a block that gives way, just before it is forgotten. */
  constructor(capacityBytes: number, evict: (head: number) => void) {
    let capacity = Math.max(64, Math.floor(capacityBytes / (4 * WORDS + 16)));
    while (capacity > 64 && capacity * 4 * WORDS + OpenIndex.sizeBytes(capacity) > capacityBytes) {
      capacity = Math.floor(capacity * 0.95);
    }
    this.#capacity = capacity;
    this.#records = new Int32Array(capacity * WORDS);
    this.#index = new OpenIndex(capacity);
    this.#evict = evict;
  }

  get used(): number {
    return this.#used;
  }

  get capacity(): number {
    return this.#capacity;
  }

  get sizeBytes(): number {
    return this.#records.byteLength + OpenIndex.sizeBytes(this.#capacity);
  }

  /** The head of the block with this hash, or -1. */
  find(slot: number, hashes: EngineHashes, at: number): number {
    const low = hashes[2 * at]!;
    const high = hashes[2 * at + 1]!;
    const records = this.#records;
    for (let cell = this.#index.start(hashOf(slot, low, high)); ; cell = this.#index.next(cell)) {
      const record = this.#index.at(cell);
      if (record < 0) {
        return -1;
      }
      const base = record * WORDS;
      if (
        records[base + HASH_LOW] === low &&
        records[base + HASH_HIGH] === high &&
        (records[base + META]! & SLOT_MASK) === slot
      ) {
        return record;
      }
    }
  }

  /** Remembers a block that is not known yet, in no medium so far; its head. */
  add(block: EngineBlock): number {
    const { slot, hashes, at, position, count, words } = block;
    const records = this.#records;
    const low = hashes[2 * at]!;
    const high = hashes[2 * at + 1]!;
    let next = -1;
    for (let each = position + count - 1; each >= position; each -= 1) {
      const record = this.#take();
      const base = record * WORDS;
      const run = 2 * (each & ~RUN_MASK);
      records[base + META] = slot | IS_USED;
      records[base + POSITION] = each;
      records[base + KEY_LOW] = words[2 * each]!;
      records[base + KEY_HIGH] = words[2 * each + 1]!;
      records[base + RUN_LOW] = words[run]!;
      records[base + RUN_HIGH] = words[run + 1]!;
      records[base + NEXT] = next;
      next = record;
    }
    const base = next * WORDS;
    records[base + HASH_LOW] = low;
    records[base + HASH_HIGH] = high;
    records[base + META]! |= IS_HEAD;
    this.#index.add(hashOf(slot, low, high), next);
    return next;
  }

  /** Forgets a block. */
  remove(head: number): void {
    const records = this.#records;
    const base = head * WORDS;
    const slot = records[base + META]! & SLOT_MASK;
    this.#index.remove(hashOf(slot, records[base + HASH_LOW]!, records[base + HASH_HIGH]!), head);
    for (let record = head; record >= 0;) {
      const next = records[record * WORDS + NEXT]!;
      records[record * WORDS + META] = 0;
      records[record * WORDS + NEXT] = this.#free;
      this.#free = record;
      this.#used -= 1;
      record = next;
    }
  }

  /** Forgets every block of a slot; looks at every record. */
  clear(slot: number): void {
    this.forEach(slot, (head) => this.remove(head));
  }

  /** Calls with the head of each of the slot's blocks; looks at every record. */
  forEach(slot: number, each: (head: number) => void): void {
    for (let record = 0; record < this.#fresh; record += 1) {
      const meta = this.#records[record * WORDS + META]!;
      if ((meta & (IS_HEAD | SLOT_MASK)) === (IS_HEAD | slot)) {
        each(record);
      }
    }
  }

  slotOf(head: number): number {
    return this.#records[head * WORDS + META]! & SLOT_MASK;
  }

  copies(head: number, medium: KvMedium): number {
    return (this.#records[head * WORDS + META]! >>> COPIES_SHIFT[medium]) & 3;
  }

  /** Counts a copy more (`by` 1) or less (-1) in a medium, from none to two. */
  count(head: number, medium: KvMedium, by: 1 | -1): void {
    const shift = COPIES_SHIFT[medium];
    const copies = Math.min(MOST_COPIES, Math.max(0, this.copies(head, medium) + by));
    const base = head * WORDS;
    this.#records[base + META] = (this.#records[base + META]! & ~(3 << shift)) | (copies << shift);
  }

  /** The next of an engine block's records, or -1. */
  next(record: number): number {
    return this.#records[record * WORDS + NEXT]!;
  }

  /** Index in its prompt of the router block that a record stands for. */
  position(record: number): number {
    return this.#records[record * WORDS + POSITION]!;
  }

  /** Writes a record's key, and that of its run's first block, to their places among a prompt's keys. */
  writeKey(record: number, words: Int32Array): void {
    const base = record * WORDS;
    const records = this.#records;
    const position = records[base + POSITION]!;
    const run = 2 * (position & ~RUN_MASK);
    words[run] = records[base + RUN_LOW]!;
    words[run + 1] = records[base + RUN_HIGH]!;
    words[2 * position] = records[base + KEY_LOW]!;
    words[2 * position + 1] = records[base + KEY_HIGH]!;
  }

  /** Sets a chain to the end of an engine block; the record that ends it. */
  readEnd(head: number, chain: ChainState): number {
    let last = head;
    for (let next = this.next(last); next >= 0; next = this.next(last)) {
      last = next;
    }
    chain.low = this.#records[last * WORDS + KEY_LOW]!;
    chain.high = this.#records[last * WORDS + KEY_HIGH]!;
    return last;
  }

  #take(): number {
    if (this.#free < 0 && this.#fresh === this.#capacity) {
      this.#makeRoom();
    }
    this.#used += 1;
    if (this.#free >= 0) {
      const record = this.#free;
      this.#free = this.#records[record * WORDS + NEXT]!;
      return record;
    }
    this.#fresh += 1;
    return this.#fresh - 1;
  }

  #makeRoom(): void {
    // Records of a block that is being added have no head yet, so the hand passes them by.
    for (let looked = 0; looked < this.#capacity; looked += 1) {
      const record = this.#hand;
      this.#hand = (this.#hand + 1) % this.#capacity;
      if ((this.#records[record * WORDS + META]! & IS_HEAD) !== 0) {
        this.#evict(record);
        this.remove(record);
        return;
      }
    }
  }
}

function hashOf(slot: number, low: number, high: number): number {
  const hash = Math.imul(low ^ Math.imul(slot + 1, 0x9e3779b1), 0x85ebca6b) ^ high;
  return hash ^ (hash >>> 15);
}
