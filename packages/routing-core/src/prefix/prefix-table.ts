import { RoutingError } from "../routing-error.ts";
import type { WorkerSlot } from "../snapshot.ts";
import type { BlockKeys } from "./block-keys.ts";
import type { PrefixIndex, PrefixIndexOptions, PrefixIndexStats } from "./prefix-index.ts";
import { BucketVersions } from "./bucket-versions.ts";
import { BlockPlacement } from "./block-placement.ts";
import { Buckets } from "./buckets.ts";
import { matchPrefix, type MatchTable, TOUCHED_BLOCKS } from "./prefix-match.ts";
import {
  BUCKET_ENTRIES,
  ENTRY_WORDS,
  INITIALISED,
  KEY_HIGH,
  layOutPrefixTable,
  type PrefixTableLayout,
  STAMPS,
  TICK,
} from "./prefix-table-layout.ts";
import { SharedRows } from "./shared-rows.ts";
import { SlotWindows } from "./slot-window.ts";

const SLOTS = 2;
const ROW = 3;
const HOLDERS = 4;
/** In place of packed slots: the holders are in a row of {@link SharedRows}. */
const IN_ROW = -1;
const REBASE_AT_TICK = 2 ** 30;

/**
 * Creates an index over a new buffer, or attaches to the given one. A bucketed hash table: a key has two buckets it can lie
 * in (see `Buckets`), nothing ever moves, and where both are full the least recently used entry gives way, so memory is
 * fixed and every operation bounded. An entry holds up to four slots with the time of last use each; a block that more
 * slots hold (a shared system prompt) gets a bit set from a fixed pool. Over a SharedArrayBuffer one thread writes, and all
 * may read while it does.
 * @param view what the table is read and written through, for tests that look on
 */
export function createPrefixIndex(
  options: PrefixIndexOptions,
  view: (table: Int32Array) => Int32Array = (table) => table,
): PrefixIndex {
  return new PrefixTable(options, view);
}

class PrefixTable implements PrefixIndex {
  readonly slotCapacity: number;
  readonly buffer: ArrayBufferLike;
  readonly #layout: PrefixTableLayout;
  readonly #table: Int32Array;
  readonly #windows: SlotWindows;
  readonly #rows: SharedRows;
  readonly #matchTable: MatchTable;
  readonly #buckets: Buckets;
  readonly #placement: BlockPlacement;
  /** Null where no other thread reads. */
  readonly #versions: BucketVersions | null;
  #evictedBlocks = 0;
  /** Entry that `insertBlock` filled last: the next block of a run wants to lie beside it. */
  #previous = -1;

  constructor(options: PrefixIndexOptions, view: (table: Int32Array) => Int32Array) {
    const layout = layOutPrefixTable(options);
    const sizeBytes = layout.totalWords * Int32Array.BYTES_PER_ELEMENT;
    this.buffer = options.buffer ?? new ArrayBuffer(sizeBytes);
    if (this.buffer.byteLength < sizeBytes) {
      throw new RoutingError("invalid_parameter", `prefix index buffer must have ${sizeBytes} bytes`);
    }
    this.slotCapacity = layout.slotCapacity;
    this.#layout = layout;
    const words = new Int32Array(this.buffer);
    const isShared = typeof SharedArrayBuffer !== "undefined" && this.buffer instanceof SharedArrayBuffer;
    this.#versions = isShared ? new BucketVersions(words, layout) : null;
    this.#table = view(words);
    this.#windows = new SlotWindows(this.#table, layout);
    this.#rows = new SharedRows(this.#table, layout);
    this.#buckets = new Buckets(this.#table, layout);
    this.#placement = new BlockPlacement(this.#table, this.#buckets);
    this.#matchTable = {
      table: this.#table,
      layout,
      buckets: this.#buckets,
      active: new Int32Array(layout.setWords),
      versions: this.#versions,
      unsettled: 0,
      touched: 0,
    };
    if (this.#table[INITIALISED] === 0) {
      this.#initialise();
    }
  }

  get sizeBytes(): number {
    return this.#layout.totalWords * Int32Array.BYTES_PER_ELEMENT;
  }

  match(keys: BlockKeys, matchedBlocks: Int32Array): number {
    return matchPrefix(this.#matchTable, keys, matchedBlocks);
  }

  insert(keys: BlockKeys, slot: WorkerSlot): number {
    this.#checkSlot(slot);
    this.tick();
    const { words, count } = keys;
    let added = 0;
    let isKnown = true;
    let previous = -1;
    let touchedTo = 0;
    for (let block = 0; block < count; block += 1) {
      if (!isKnown && block >= touchedTo) {
        touchedTo = Math.min(block + TOUCHED_BLOCKS, count);
        this.#matchTable.touched ^= this.#buckets.touchHomes(words, block, touchedTo);
      }
      // A block that nobody holds has no successor that matters, so from there on only the home buckets are searched.
      let entry = isKnown
        ? this.#buckets.findBehind(previous, words, block)
        : this.#buckets.findAtHome(words, block);
      if (entry >= 0) {
        added += this.#hold(entry, slot);
      } else {
        isKnown = false;
        entry = this.#placement.placeFor(words, block, previous);
        this.#store(entry, slot);
        this.#name(entry, words, block);
        added += 1;
      }
      previous = entry;
    }
    if (this.#windows.isBounded(slot)) {
      this.#versions?.turnAll();
      this.#windows.advance(slot, added);
      this.#versions?.turnAll();
    }
    return added;
  }

  insertBlock(words: Int32Array, block: number, slot: WorkerSlot): void {
    let entry = this.#buckets.find(words, block);
    if (entry >= 0) {
      this.#hold(entry, slot);
      return;
    }
    entry = this.#placement.placeFor(words, block, this.#previous);
    this.#store(entry, slot);
    this.#name(entry, words, block);
    this.#previous = entry;
  }

  removeBlock(words: Int32Array, block: number, slot: WorkerSlot): void {
    const entry = this.#buckets.find(words, block);
    if (entry >= 0) {
      this.#unhold(entry, slot);
    }
  }

  lastUse(words: Int32Array, block: number, slot: WorkerSlot): number {
    const entry = this.#buckets.find(words, block);
    if (entry < 0) {
      return 0;
    }
    if (this.#table[entry + SLOTS] === IN_ROW) {
      return this.#rows.has(this.#table[entry + ROW]!, slot) ? this.#table[entry + STAMPS]! : 0;
    }
    for (let holder = 0; holder < HOLDERS; holder += 1) {
      const stamp = this.#table[entry + STAMPS + holder]!;
      if (this.#holder(entry, holder) === slot) {
        return stamp >= this.#windows.expiry(slot) ? stamp : 0;
      }
    }
    return 0;
  }

  expire(slot: WorkerSlot, before: number): void {
    this.#checkSlot(slot);
    this.#versions?.turnAll();
    this.#windows.expire(slot, before);
    this.#versions?.turnAll();
  }

  tick(): void {
    if (this.#table[TICK]! >= REBASE_AT_TICK) {
      this.#versions?.turnAll();
      this.#rebase();
      this.#versions?.turnAll();
    }
    this.#table[TICK]! += 1;
  }

  truncate(keys: BlockKeys, slot: WorkerSlot, fromBlock: number): void {
    this.#checkSlot(slot);
    for (let block = Math.max(0, fromBlock); block < keys.count; block += 1) {
      const entry = this.#buckets.find(keys.words, block);
      if (entry >= 0) {
        this.#unhold(entry, slot);
      }
    }
  }

  clear(slot: WorkerSlot): void {
    this.#checkSlot(slot);
    this.#versions?.turnAll();
    this.#windows.clear(slot);
    this.#rows.removeEverywhere(slot);
    this.#versions?.turnAll();
  }

  setCapacity(slot: WorkerSlot, blocks: number): void {
    this.#checkSlot(slot);
    if (!Number.isInteger(blocks) || blocks < 0) {
      throw new RoutingError("invalid_parameter", `capacity must be a whole number of blocks, got ${blocks}`);
    }
    this.#windows.setCapacity(slot, Math.min(blocks, REBASE_AT_TICK));
  }

  stats(): PrefixIndexStats {
    let blocks = 0;
    let holdings = 0;
    const { entriesStart, versionsStart, bucketCount, rowCount } = this.#layout;
    for (let entry = entriesStart; entry < versionsStart; entry += ENTRY_WORDS) {
      const holders = this.#table[entry + KEY_HIGH] === 0 ? 0 : this.#countHolders(entry);
      blocks += holders > 0 ? 1 : 0;
      holdings += holders;
    }
    return {
      blocks,
      holdings,
      blockCapacity: bucketCount * BUCKET_ENTRIES,
      evictedBlocks: this.#evictedBlocks,
      unsettledMatches: this.#matchTable.unsettled,
      sharedBlocks: this.#rows.used,
      sharedBlockCapacity: rowCount,
    };
  }

  #initialise(): void {
    this.#table[TICK] = 1;
    for (let slot = 0; slot < this.slotCapacity; slot += 1) {
      this.#windows.rebase(slot, 0);
    }
    this.#rows.initialise();
    this.#table[INITIALISED] = 1;
  }

  #checkSlot(slot: WorkerSlot): void {
    if (!(slot >= 0 && slot < this.slotCapacity)) {
      throw new RoutingError("invalid_parameter", `slot ${slot} is outside the index's ${this.slotCapacity}`);
    }
  }

  /** Marks the slot as a holder of the entry's block; 1 when it was none before. Else nothing that readers find has changed. */
  #hold(entry: number, slot: number): number {
    const table = this.#table;
    const tick = table[TICK]!;
    if (table[entry + SLOTS] === IN_ROW) {
      const row = table[entry + ROW]!;
      table[entry + STAMPS] = tick;
      if (this.#rows.has(row, slot)) {
        return 0;
      }
      this.#versions?.turn(entry);
      this.#rows.add(row, slot);
      this.#versions?.turn(entry);
      return 1;
    }
    let place = -1;
    let oldest = 0;
    for (let holder = 0; holder < HOLDERS; holder += 1) {
      const held = this.#holder(entry, holder);
      const stamp = table[entry + STAMPS + holder]!;
      if (held === slot) {
        if (stamp < this.#windows.expiry(slot)) {
          place = holder;
          break;
        }
        table[entry + STAMPS + holder] = tick;
        return 0;
      }
      if (held < 0 || stamp < this.#windows.expiry(held)) {
        place = holder;
      }
      if (stamp < table[entry + STAMPS + oldest]!) {
        oldest = holder;
      }
    }
    this.#versions?.turn(entry);
    if (place >= 0 || !this.#moveToRow(entry, slot)) {
      this.#setHolder(entry, place < 0 ? oldest : place, slot);
      table[entry + STAMPS + (place < 0 ? oldest : place)] = tick;
    }
    this.#versions?.turn(entry);
    return 1;
  }

  #moveToRow(entry: number, slot: number): boolean {
    const row = this.#rows.take();
    if (row < 0) {
      return false;
    }
    for (let holder = 0; holder < HOLDERS; holder += 1) {
      this.#rows.add(row, this.#holder(entry, holder));
    }
    this.#rows.add(row, slot);
    this.#table[entry + ROW] = row;
    this.#table[entry + SLOTS] = IN_ROW;
    this.#table[entry + STAMPS] = this.#table[TICK]!;
    this.#table.fill(0, entry + STAMPS + 1, entry + STAMPS + HOLDERS);
    return true;
  }

  /** Evicts what is in the entry and makes the slot its only holder. It is to be named next. */
  #store(entry: number, slot: number): void {
    const table = this.#table;
    this.#versions?.turn(entry);
    if (table[entry + KEY_HIGH] !== 0) {
      this.#placement.evicts(entry);
      this.#evictedBlocks += 1;
      this.#free(entry);
    }
    table[entry + SLOTS] = slot + 1;
    table[entry + ROW] = 0;
    table[entry + STAMPS] = table[TICK]!;
    table[entry + STAMPS + 1] = 0;
    table[entry + STAMPS + 2] = 0;
    table[entry + STAMPS + 3] = 0;
  }

  /** Says which block is in the entry. */
  #name(entry: number, words: Int32Array, block: number): void {
    this.#table[entry] = words[2 * block]!;
    this.#table[entry + KEY_HIGH] = words[2 * block + 1]!;
    this.#versions?.turn(entry);
  }

  #unhold(entry: number, slot: number): void {
    const table = this.#table;
    this.#versions?.turn(entry);
    if (table[entry + SLOTS] === IN_ROW) {
      this.#rows.remove(table[entry + ROW]!, slot);
    } else {
      for (let holder = 0; holder < HOLDERS; holder += 1) {
        if (this.#holder(entry, holder) === slot) {
          this.#setHolder(entry, holder, -1);
          table[entry + STAMPS + holder] = 0;
        }
      }
    }
    if (this.#countHolders(entry) === 0) {
      this.#free(entry);
    }
    this.#versions?.turn(entry);
  }

  #free(entry: number): void {
    const table = this.#table;
    table[entry + KEY_HIGH] = 0;
    if (table[entry + SLOTS] === IN_ROW) {
      this.#rows.giveBack(table[entry + ROW]!);
    }
    table[entry + SLOTS] = 0;
    table[entry + ROW] = 0;
  }

  #countHolders(entry: number): number {
    const table = this.#table;
    if (table[entry + SLOTS] === IN_ROW) {
      return this.#rows.size(table[entry + ROW]!);
    }
    let count = 0;
    for (let holder = 0; holder < HOLDERS; holder += 1) {
      const held = this.#holder(entry, holder);
      count += held >= 0 && table[entry + STAMPS + holder]! >= this.#windows.expiry(held) ? 1 : 0;
    }
    return count;
  }

  /** The slot in one of the entry's four places, or -1. */
  #holder(entry: number, holder: number): number {
    const packed = this.#table[entry + SLOTS + (holder >> 1)]!;
    return ((packed >>> ((holder & 1) << 4)) & 0xffff) - 1;
  }

  #setHolder(entry: number, holder: number, slot: number): void {
    const word = entry + SLOTS + (holder >> 1);
    const shift = (holder & 1) << 4;
    this.#table[word] = (this.#table[word]! & ~(0xffff << shift)) | ((slot + 1) << shift);
  }

  /** Ticks grow without end: long before they overflow, all stamps move into the past together. */
  #rebase(): void {
    const by = this.#table[TICK]! >> 1;
    this.#table[TICK]! -= by;
    for (let slot = 0; slot < this.slotCapacity; slot += 1) {
      this.#windows.rebase(slot, by);
    }
    const { entriesStart, versionsStart } = this.#layout;
    for (let entry = entriesStart; entry < versionsStart; entry += ENTRY_WORDS) {
      for (let word = entry + STAMPS; word < entry + ENTRY_WORDS; word += 1) {
        this.#table[word] = Math.max(0, this.#table[word]! - by);
      }
    }
  }
}
