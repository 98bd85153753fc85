import { ARENA_SHAPE, type ArenaShape, ENTRY_HASH, ENTRY_SIZE, StretchArena } from "./stretch-arena.ts";
import { StretchIndex } from "./stretch-index.ts";
import type { CreateTextUnits, TextUnits, UnitRange } from "./text-units.ts";
import type { TokenBuffer } from "./token-buffer.ts";

/** Shorter stretches are as quickly encoded as looked up. */
const SHORTEST = 128;
/** A longer stretch would push out too many others. */
const LONGEST = 1 << 17;
/** In longer texts nothing is looked up. */
const LONGEST_TEXT = 1 << 22;
/** Hashes of stretches that were encoded, a longer memory than that of the arena. */
const SEEN = 1 << 14;
const FIRST_BYTES = 1 << 14;
/** More memory for the text at hand is given back after use. */
const KEPT_BYTES = 1 << 20;
/** Units that are looked at to find a stretch. */
const SAMPLES = 64;

// An entry of the arena: hash, size, length and place in the text, the units, two in a number, and then the ids.
const ENTRY_KEY = 2;
const HEADER = 3;

/**
 * The ids of stretches between added tokens that come again: a system prompt, the earlier messages of a conversation. Kept from the first time on, in
 * memory that is no object to the garbage collector; see {@link StretchArena} for its bounds and for what goes first. Found by some of its units, of
 * two with the same of these only the later one, and then compared.
 */
export class StretchMemory {
  readonly #createUnits: CreateTextUnits;
  readonly #shape: ArenaShape;
  /** The text at hand. */
  #text: TextUnits;
  #units: Uint16Array;
  #view: DataView;
  #isHeld = false;
  #arena: StretchArena | undefined;
  readonly #index = new StretchIndex();
  readonly #seen = new Int32Array(SEEN);
  // The stretch that was asked for last; a key of 0 stands for one that is not kept.
  #start = 0;
  #length = 0;
  #key = 0;
  #hash = 0;

  constructor(createUnits: CreateTextUnits, shape: ArenaShape = ARENA_SHAPE) {
    this.#createUnits = createUnits;
    this.#shape = shape;
    this.#text = createUnits(0);
    this.#units = unitsOf(this.#text);
    this.#view = viewOf(this.#text);
  }

  /** Takes the text whose stretches are asked for next. */
  take(text: string): void {
    const { length } = text;
    this.#isHeld = length >= SHORTEST && length <= LONGEST_TEXT;
    if (!this.#isHeld) return;
    const needed = length * 2;
    if (needed > this.#text.bytes.length) {
      this.#replace(Math.max(needed, Math.min(this.#text.bytes.length * 2, KEPT_BYTES), FIRST_BYTES));
    }
    this.#text.write(text);
  }

  /** Some units of the text at hand, undefined for one that is not held in memory. */
  range(start: number, end: number): UnitRange | undefined {
    return this.#isHeld ? { view: this.#view, start, end } : undefined;
  }

  /** Gives the memory of an unusually long text back. */
  trim(): void {
    if (this.#text.bytes.length > KEPT_BYTES) this.#replace(FIRST_BYTES);
  }

  /** Asks for a stretch of the text at hand: what begins a text may be encoded differently. */
  ask(start: number, end: number, isAtStart: boolean): void {
    const length = end - start;
    this.#key = 0;
    if (!this.#isHeld || length < SHORTEST || length > LONGEST) return;
    this.#start = start;
    this.#length = length;
    this.#key = length * 2 + (isAtStart ? 1 : 0);
    this.#hash = hashOf(this.#units, this.#key, start);
  }

  /** Appends the ids of the stretch that was asked for, if they are known. */
  append(output: TokenBuffer): boolean {
    const arena = this.#arena;
    if (this.#key === 0 || arena === undefined) return false;
    const place = this.#index.find(this.#hash);
    if (place < 0 || arena.ints[place + ENTRY_KEY] !== this.#key) return false;
    const first = (place + HEADER) * 4;
    const known = arena.bytes.subarray(first, first + this.#length * 2);
    if (!this.#text.equals(this.#start * 2, known)) return false;
    const size = arena.ints[place + ENTRY_SIZE] as number;
    output.pushRange(arena.ints, place + idsAt(this.#length), place + size);
    if (arena.isAging(place)) {
      const moved = arena.reserve(size, true);
      arena.ints.copyWithin(moved, place, place + size);
      this.#index.set(this.#hash, moved);
    }
    return true;
  }

  /** Remembers the stretch that was asked for, with the ids of an output from position `from` on. */
  keep(output: TokenBuffer, from: number): void {
    if (this.#key === 0) return;
    const length = this.#length;
    const hash = this.#hash;
    const size = idsAt(length) + output.length - from;
    this.#arena ??= new StretchArena((gone, place) => this.#index.delete(gone, place), this.#shape);
    const arena = this.#arena;
    if (!arena.holds(size)) return;
    const at = hash & (SEEN - 1);
    const place = arena.reserve(size, this.#seen[at] === hash);
    this.#seen[at] = hash;
    const { ints } = arena;
    ints[place + ENTRY_HASH] = hash;
    ints[place + ENTRY_SIZE] = size;
    ints[place + ENTRY_KEY] = this.#key;
    const bytes = this.#text.bytes.subarray(this.#start * 2, (this.#start + length) * 2);
    arena.bytes.set(bytes, (place + HEADER) * 4);
    output.copyTo(ints, place + idsAt(length), from);
    this.#index.set(hash, place);
  }

  #replace(size: number): void {
    this.#text = this.#createUnits(size + (size & 1));
    this.#units = unitsOf(this.#text);
    this.#view = viewOf(this.#text);
  }
}

/** Where the ids of an entry begin. */
function idsAt(length: number): number {
  return HEADER + ((length + 1) >> 1);
}

function unitsOf({ bytes }: TextUnits): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
}

function viewOf({ bytes }: TextUnits): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Of the length and of units all over the stretch, more of them at its end, where one grows. */
function hashOf(units: Uint16Array, key: number, start: number): number {
  const end = start + (key >> 1);
  const step = Math.floor((key >> 1) / SAMPLES);
  let hash = key;
  for (let index = start; index < end; index += step) {
    hash = Math.imul(hash ^ (units[index] as number), 0x01000193);
  }
  for (let index = end - SAMPLES; index < end; index++) {
    hash = Math.imul(hash ^ (units[index] as number), 0x01000193);
  }
  hash ^= hash >>> 15;
  // 0 stands for nothing seen.
  return hash | 1;
}
