import type { TokenBuffer } from "./token-buffer.ts";
import { highHalf, longHash, lowHalf, othersOf, shortHash } from "./word-bits.ts";

/** Longer words, in bytes, are not kept. */
export const LONGEST_WORD = 64;

/** Words up to this length stand in their slot. */
const SHORT_WORD = 16;

// A slot is 8 numbers: 4 of key, length and count of ids, two ids (or where they are), where a long word is.
const SLOT = 8;
const LENGTH_AND_COUNT = 4;
const FIRST_ID = 5;
const SECOND_ID = 6;
const LONG_KEY = 7;
const COUNT_SHIFT = 8;
const LENGTH_MASK = (1 << COUNT_SHIFT) - 1;

const FIRST_SLOTS = 1 << 11;
const LAST_SLOTS = 1 << 17;
const FIRST_ARENA = 1 << 10;
const LAST_ARENA = 1 << 20;
/** Slots that are looked at; what does not fit there replaces another word, so that no text makes a look-up slow. */
const PROBES = 16;

/** What {@link ByteWordTable.findRun} gives where the bytes are no plain run of letters. */
export const NO_RUN = -2;
/** What it gives for a word whose one id is in `runId`. */
export const RECENT_RUN = -3;

const BLANK = 0x20;
const APOSTROPHE = 0x27;
/** Makes small letters of four large ones. */
const FOLD = 0x20202020;

/** Places of short words that lie close together, and numbers of each: three of key, one of id. 64 KB, which a processor keeps at hand. */
const RECENT_BITS = 12;
const RECENT = 4;

/** Which bits of a number belong to a word that has so many bytes left. */
const MASKS = Int32Array.of(0, 0xff, 0xffff, 0xffffff, -1);

/**
 * Words of UTF-8 bytes with their token ids: an open-addressing hash table in an `Int32Array`. A word is found by its bytes as they
 * stand in the text, and no string is made of it. Bounded by 98,304 words and 4 MB of long words and long lists of ids; beyond that it
 * forgets everything. 8 MB at most.
 */
export class ByteWordTable {
  private slots = new Int32Array(FIRST_SLOTS * SLOT);
  private count = 0;
  /** Words above 16 bytes, four bytes in a number, and lists of more than two ids. */
  private arena = new Int32Array(FIRST_ARENA);
  private used = 0;
  private readonly key = new Int32Array(LONGEST_WORD / 4);
  /** Words of letters up to 12 bytes that are one token, at one place each, the later one of two: what text is mostly made of. */
  private readonly recent = new Int32Array(RECENT << RECENT_BITS);
  /** The id of a word that was found there. */
  runId = 0;
  /** Bytes of the run of letters that was looked at last. */
  runLength = 0;

  /** Number of words held. */
  get size(): number {
    return this.count;
  }

  /**
   * Where a word is, or -1.
   *
   * @param view Readable up to 3 bytes beyond the word.
   * @param length Not above {@link LONGEST_WORD}.
   */
  find(view: DataView, start: number, length: number): number {
    if (length > SHORT_WORD) return this.findLong(view, start, length);
    const first = view.getInt32(start, true) & (MASKS[length < 4 ? length : 4] as number);
    let second = 0;
    let third = 0;
    let fourth = 0;
    if (length > 4) {
      second = view.getInt32(start + 4, true) & (MASKS[length < 8 ? length - 4 : 4] as number);
      if (length > 8) {
        third = view.getInt32(start + 8, true) & (MASKS[length < 12 ? length - 8 : 4] as number);
        if (length > 12) fourth = view.getInt32(start + 12, true) & (MASKS[length - 12] as number);
      }
    }
    const { slots } = this;
    const wrap = slots.length - 1;
    let at = slotOf(shortHash(lowHalf(first, second), highHalf(third + length, fourth)), wrap);
    for (let probe = 0; probe < PROBES; probe++) {
      const meta = slots[at + LENGTH_AND_COUNT] as number;
      if (meta === 0) return -1;
      if (
        slots[at] === first &&
        slots[at + 1] === second &&
        (meta & LENGTH_MASK) === length &&
        slots[at + 2] === third &&
        slots[at + 3] === fourth
      ) {
        return at;
      }
      at = (at + SLOT) & wrap;
    }
    return -1;
  }

  /**
   * Where a word is that consists of ASCII letters, of a blank before them maybe, and ends before another ASCII character; its length in
   * `runLength`. Four bytes at a time: what ends the word and what is its key come of the same numbers.
   *
   * @param start Of a blank or an ASCII letter. Behind the text stands a zero.
   * @param cased Whether a large letter ends the word, unless it is the first one.
   * @returns -1 for a word that is not held, {@link RECENT_RUN}, or {@link NO_RUN} for something else or too long
   */
  findRun(view: DataView, start: number, cased: boolean): number {
    const fold = cased ? 0 : FOLD;
    let first = view.getInt32(start, true);
    let second = 0;
    let third = 0;
    let fourth = 0;
    let length = 0;
    let last = first;
    // The first byte is one of the word, whatever it is, and after a blank the next one may be large.
    let others = othersOf((first & ~0xff) | 0x61 | ((first & 0xff) === BLANK ? 0x2000 : 0) | fold);
    let end = others & -others;
    if (others !== 0) {
      first &= (end >>> 7) - 1;
    } else {
      second = view.getInt32(start + 4, true);
      last = second;
      others = othersOf(second | fold);
      end = others & -others;
      length = 4;
      if (others !== 0) {
        second &= (end >>> 7) - 1;
      } else {
        third = view.getInt32(start + 8, true);
        last = third;
        others = othersOf(third | fold);
        end = others & -others;
        length = 8;
        if (others !== 0) {
          third &= (end >>> 7) - 1;
        } else {
          fourth = view.getInt32(start + 12, true);
          last = fourth;
          others = othersOf(fourth | fold);
          end = others & -others;
          length = 12;
          if (others === 0) return NO_RUN;
          fourth &= (end >>> 7) - 1;
        }
      }
    }
    // What ends the word is part of it maybe, if it is beyond ASCII.
    if ((last & end) !== 0) return NO_RUN;
    length += (31 - Math.clz32(end)) >>> 3;
    // A blank alone, and with cases a large letter alone, belongs to what comes then; so may an apostrophe.
    if (length === 1 && first === BLANK) return NO_RUN;
    if (cased && (length <= 2 || view.getUint8(start + length) === APOSTROPHE)) return NO_RUN;
    this.runLength = length;
    const hash = shortHash(lowHalf(first, second), highHalf(third + length, fourth));
    const { recent } = this;
    const place = (hash >>> (32 - RECENT_BITS)) * RECENT;
    if (
      recent[place] === first &&
      recent[place + 1] === second &&
      recent[place + 2] === third &&
      fourth === 0
    ) {
      this.runId = recent[place + 3] as number;
      return RECENT_RUN;
    }
    const { slots } = this;
    const wrap = slots.length - 1;
    let at = slotOf(hash, wrap);
    for (let probe = 0; probe < PROBES; probe++) {
      const meta = slots[at + LENGTH_AND_COUNT] as number;
      if (meta === 0) return -1;
      if (
        slots[at] === first &&
        slots[at + 1] === second &&
        (meta & LENGTH_MASK) === length &&
        slots[at + 2] === third &&
        slots[at + 3] === fourth
      ) {
        if (fourth === 0 && meta >>> COUNT_SHIFT === 1) {
          recent[place] = first;
          recent[place + 1] = second;
          recent[place + 2] = third;
          recent[place + 3] = slots[at + FIRST_ID] as number;
        }
        return at;
      }
      at = (at + SLOT) & wrap;
    }
    return -1;
  }

  /** Appends the ids of the word at a place that {@link ByteWordTable.find} gave. */
  appendIds(at: number, output: TokenBuffer): void {
    const { slots } = this;
    const count = (slots[at + LENGTH_AND_COUNT] as number) >>> COUNT_SHIFT;
    const first = slots[at + FIRST_ID] as number;
    if (count > 2) {
      for (let index = first; index < first + count; index++) output.push(this.arena[index] as number);
      return;
    }
    if (count > 0) output.push(first);
    if (count > 1) output.push(slots[at + SECOND_ID] as number);
  }

  /** Remembers a word that was not found, with the first `count` numbers of `ids`. */
  add(view: DataView, word: WordPlace & { readonly count: number }, ids: Int32Array): void {
    const { length, count } = word;
    const { key } = this;
    const keyLength = readKey(view, word, key);
    const isLong = length > SHORT_WORD;
    this.makeRoom((isLong ? keyLength : 0) + (count > 2 ? count : 0));
    const { slots } = this;
    const first = key[0] as number;
    const second = key[1] as number;
    const third = key[2] as number;
    const fourth = key[3] as number;
    const hash = isLong
      ? longHash(key, keyLength)
      : shortHash(lowHalf(first, second), highHalf(third + length, fourth));
    const at = this.freeSlot(slotOf(hash, slots.length - 1));
    if (slots[at + LENGTH_AND_COUNT] === 0) this.count++;
    slots[at] = isLong ? hash : first;
    slots[at + 1] = second;
    slots[at + 2] = third;
    slots[at + 3] = fourth;
    slots[at + LENGTH_AND_COUNT] = length | (count << COUNT_SHIFT);
    slots[at + FIRST_ID] = count > 2 ? this.keep(ids, count) : (ids[0] as number);
    slots[at + SECOND_ID] = ids[1] as number;
    if (isLong) slots[at + LONG_KEY] = this.keep(key, keyLength);
  }

  private findLong(view: DataView, start: number, length: number): number {
    const { key, slots, arena } = this;
    const keyLength = readKey(view, { start, length }, key);
    const hash = longHash(key, keyLength);
    const wrap = slots.length - 1;
    let at = slotOf(hash, wrap);
    for (let probe = 0; probe < PROBES; probe++) {
      const meta = slots[at + LENGTH_AND_COUNT] as number;
      if (meta === 0) return -1;
      if ((meta & LENGTH_MASK) === length && slots[at] === hash) {
        const kept = slots[at + LONG_KEY] as number;
        let index = 0;
        while (index < keyLength && arena[kept + index] === key[index]) index++;
        if (index === keyLength) return at;
      }
      at = (at + SLOT) & wrap;
    }
    return -1;
  }

  private freeSlot(home: number): number {
    const { slots } = this;
    let at = home;
    for (let probe = 0; probe < PROBES; probe++) {
      if (slots[at + LENGTH_AND_COUNT] === 0) return at;
      at = (at + SLOT) & (slots.length - 1);
    }
    return home;
  }

  private keep(numbers: Int32Array, count: number): number {
    const { arena, used } = this;
    for (let index = 0; index < count; index++) arena[used + index] = numbers[index] as number;
    this.used += count;
    return used;
  }

  private makeRoom(arenaLength: number): void {
    if (this.used + arenaLength > this.arena.length) {
      if (this.arena.length >= LAST_ARENA) this.forget();
      else this.arena = resized(this.arena, this.arena.length * 2);
    }
    const slotCount = this.slots.length / SLOT;
    if (this.count < slotCount * (slotCount < LAST_SLOTS ? 0.5 : 0.75)) return;
    if (slotCount >= LAST_SLOTS) this.forget();
    else this.grow();
  }

  private forget(): void {
    this.slots.fill(0);
    this.count = 0;
    this.used = 0;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Int32Array(old.length * 4);
    this.count = 0;
    const wrap = this.slots.length - 1;
    for (let from = 0; from < old.length; from += SLOT) {
      const meta = old[from + LENGTH_AND_COUNT] as number;
      if (meta === 0) continue;
      const first = old[from] as number;
      const second = old[from + 1] as number;
      const third = old[from + 2] as number;
      const fourth = old[from + 3] as number;
      const length = meta & LENGTH_MASK;
      const hash =
        length > SHORT_WORD ? first : shortHash(lowHalf(first, second), highHalf(third + length, fourth));
      const at = this.freeSlot(slotOf(hash, wrap));
      if (this.slots[at + LENGTH_AND_COUNT] === 0) this.count++;
      this.slots.set(old.subarray(from, from + SLOT), at);
    }
  }
}

/** Where a word is in the bytes of its text. */
interface WordPlace {
  readonly start: number;
  readonly length: number;
}

function readKey(view: DataView, { start, length }: WordPlace, key: Int32Array): number {
  key[1] = 0;
  key[2] = 0;
  key[3] = 0;
  let count = 0;
  for (let at = 0; at < length; at += 4) {
    key[count++] = view.getInt32(start + at, true) & (MASKS[length - at < 4 ? length - at : 4] as number);
  }
  return count;
}

function slotOf(hash: number, wrap: number): number {
  return Math.imul(hash ^ (hash >>> 15), SLOT) & wrap;
}

function resized(numbers: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(numbers);
  return larger;
}
