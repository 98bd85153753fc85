import type { BlockKeys } from "./block-keys.ts";
import type { BucketVersions } from "./bucket-versions.ts";
import type { Buckets } from "./buckets.ts";
import { ENTRY_WORDS, type PrefixTableLayout, RUN_BLOCKS, SLOT_WORDS } from "./prefix-table-layout.ts";

/** What a lookup needs of the table, and its own scratch. */
export interface MatchTable {
  readonly table: Int32Array;
  readonly layout: PrefixTableLayout;
  readonly buckets: Buckets;
  /** Bit set of the slots that hold every block so far. */
  readonly active: Int32Array;
  /** Where another thread may be writing; null where nobody else can. */
  readonly versions: BucketVersions | null;
  /** Lookups whose answer was taken although a writer was at work. */
  unsettled: number;
  /** Means nothing: keeps V8 from leaving out what reads ahead. */
  touched: number;
}

/** Blocks that are read ahead: not so many that much is read in vain where a prompt is new. */
export const TOUCHED_BLOCKS = 64;

/** Lookups begun again at most, because what they saw changed meanwhile: a busy writer never stops a reader. */
const MOST_TRIES = 4;

/**
 * Looks a prompt up. Beside a writer it is done again until the table stood still where it looked, and after some tries the
 * last answer is taken as it is: a wrong worker is a slower answer, not a wrong one.
 */
export function matchPrefix(matchTable: MatchTable, keys: BlockKeys, matchedBlocks: Int32Array): number {
  const { versions } = matchTable;
  if (versions === null) {
    return walkPrefix(matchTable, keys, matchedBlocks);
  }
  let most = 0;
  for (let attempt = 0; attempt < MOST_TRIES; attempt += 1) {
    versions.begin();
    most = walkPrefix(matchTable, keys, matchedBlocks);
    if (versions.end()) {
      return most;
    }
  }
  matchTable.unsettled += 1;
  return most;
}

/**
 * Walks the prompt's blocks with the set of slots that hold all of them so far, and notes for each slot where it drops
 * out. Neighbouring blocks nearly always have the same holders, in which case a block costs one lookup and six compares
 * whatever the number of workers. Lives apart from the table because request threads only do this.
 */
function walkPrefix(matchTable: MatchTable, keys: BlockKeys, matchedBlocks: Int32Array): number {
  const { table, layout, buckets, active, versions } = matchTable;
  const { words, count } = keys;
  const { rowsStart, setWords } = layout;
  matchedBlocks.fill(0, 0, layout.slotCapacity);
  let activeCount = -1;
  // The previous block's holders, when they are in its entry.
  let slotsA = -1;
  let slotsB = 0;
  let stampA = 0;
  let stampB = 0;
  let stampC = 0;
  let stampD = 0;
  let entry = -1;
  let block = 0;
  for (; block < count; block += 1) {
    if (block % TOUCHED_BLOCKS === 0) {
      matchTable.touched ^= buckets.touch(words, block, Math.min(block + TOUCHED_BLOCKS, count));
    }
    // Inside a run the next block nearly always lies next to this one.
    entry += ENTRY_WORDS;
    const isNext =
      (block & (RUN_BLOCKS - 1)) !== 0 &&
      table[entry] === words[2 * block] &&
      table[entry + 1] === words[2 * block + 1];
    if (!isNext) {
      entry = versions === null ? buckets.find(words, block) : buckets.findNoted(words, block, versions);
      if (entry < 0) {
        break;
      }
    }
    const packed = table[entry + 2]!;
    if (packed === -1) {
      const row = rowsStart + table[entry + 3]! * setWords;
      activeCount =
        activeCount < 0
          ? copySet(table, row, active)
          : keepRow({ table, row, active, activeCount, matchedBlocks, block });
      slotsA = -1;
    } else if (
      packed !== slotsA ||
      table[entry + 3] !== slotsB ||
      table[entry + 4] !== stampA ||
      table[entry + 5] !== stampB ||
      table[entry + 6] !== stampC ||
      table[entry + 7] !== stampD
    ) {
      if (activeCount < 0) {
        active.fill(0);
      }
      activeCount = keepHolders({ matchTable, entry, activeCount, matchedBlocks, block });
      slotsA = packed;
      slotsB = table[entry + 3]!;
      stampA = table[entry + 4]!;
      stampB = table[entry + 5]!;
      stampC = table[entry + 6]!;
      stampD = table[entry + 7]!;
    }
    if (activeCount === 0) {
      break;
    }
  }
  if (activeCount > 0) {
    drop({ active, matchedBlocks, block });
  }
  return activeCount > 0 ? block : longest(matchedBlocks, layout.slotCapacity);
}

function copySet(table: Int32Array, row: number, active: Int32Array): number {
  let size = 0;
  for (let word = 0; word < active.length; word += 1) {
    active[word] = table[row + word]!;
    for (let bits = active[word]!; bits !== 0; bits &= bits - 1) {
      size += 1;
    }
  }
  return size;
}

/** Intersects with a bit set; returns how many slots are left. */
function keepRow(step: {
  readonly table: Int32Array;
  readonly row: number;
  readonly active: Int32Array;
  readonly activeCount: number;
  readonly matchedBlocks: Int32Array;
  readonly block: number;
}): number {
  const { table, row, active, matchedBlocks, block } = step;
  let left = step.activeCount;
  for (let word = 0; word < active.length; word += 1) {
    const held = table[row + word]!;
    let dropped = active[word]! & ~held;
    if (dropped !== 0) {
      active[word]! &= held;
      for (; dropped !== 0; dropped &= dropped - 1) {
        matchedBlocks[(word << 5) + (31 - Math.clz32(dropped & -dropped))] = block;
        left -= 1;
      }
    }
  }
  return left;
}

/** Intersects with an entry's up to four holders (or starts with them); returns how many slots are left. */
function keepHolders(step: {
  readonly matchTable: MatchTable;
  readonly entry: number;
  readonly activeCount: number;
  readonly matchedBlocks: Int32Array;
  readonly block: number;
}): number {
  const { matchTable, entry, activeCount, matchedBlocks, block } = step;
  const { active } = matchTable;
  const first = validHolder(matchTable, entry, 0);
  const second = validHolder(matchTable, entry, 1);
  const third = validHolder(matchTable, entry, 2);
  const fourth = validHolder(matchTable, entry, 3);
  const isStart = activeCount < 0;
  const keepFirst = first >= 0 && (isStart || isMember(active, first));
  const keepSecond = second >= 0 && (isStart || isMember(active, second));
  const keepThird = third >= 0 && (isStart || isMember(active, third));
  const keepFourth = fourth >= 0 && (isStart || isMember(active, fourth));
  const kept = (keepFirst ? 1 : 0) + (keepSecond ? 1 : 0) + (keepThird ? 1 : 0) + (keepFourth ? 1 : 0);
  if (kept === activeCount) {
    return kept;
  }
  drop({ active, matchedBlocks, block });
  if (keepFirst) active[first >> 5]! |= 1 << (first & 31);
  if (keepSecond) active[second >> 5]! |= 1 << (second & 31);
  if (keepThird) active[third >> 5]! |= 1 << (third & 31);
  if (keepFourth) active[fourth >> 5]! |= 1 << (fourth & 31);
  return kept;
}

function isMember(active: Int32Array, slot: number): boolean {
  return (active[slot >> 5]! & (1 << (slot & 31))) !== 0;
}

/** The slot in one of an entry's places, or -1 when it is empty or has expired. */
function validHolder({ table, layout }: MatchTable, entry: number, holder: number): number {
  const slot = ((table[entry + 2 + (holder >> 1)]! >>> ((holder & 1) << 4)) & 0xffff) - 1;
  return slot >= 0 && table[entry + 4 + holder]! >= table[layout.slotsStart + slot * SLOT_WORDS]! ? slot : -1;
}

/** Notes the depth for every slot of the set and empties it. */
function drop(step: {
  readonly active: Int32Array;
  readonly matchedBlocks: Int32Array;
  readonly block: number;
}): void {
  const { active, matchedBlocks, block } = step;
  for (let word = 0; word < active.length; word += 1) {
    for (let bits = active[word]!; bits !== 0; bits &= bits - 1) {
      matchedBlocks[(word << 5) + (31 - Math.clz32(bits & -bits))] = block;
    }
    active[word] = 0;
  }
}

function longest(matchedBlocks: Int32Array, slotCapacity: number): number {
  let most = 0;
  for (let slot = 0; slot < slotCapacity; slot += 1) {
    most = Math.max(most, matchedBlocks[slot]!);
  }
  return most;
}
