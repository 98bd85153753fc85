import type { Vocabulary } from "./vocabulary.ts";

/** Slots that are looked at for a spelling; a vocabulary that needs more was made to be slow. */
const PROBES = 256;
/** What {@link spellingHash} begins with. */
const HASH_SEED = 0x811c9dc5;
const HASH_FACTOR = 0x01000193;
/** Bytes of the longest spelling that is added for certain; it has room for two of them. */
const LONGEST_SPELLING = 1 << 16;
/** Ids may be so many times as high as there are spellings: tables are indexed by id. */
const SPARSEST = 4;
const FEWEST_IDS = 1 << 16;

/**
 * A vocabulary whose spellings are UTF-8 in one block and are found by their bytes: made in tens of milliseconds where a `Map` of
 * 150,000 strings takes hundreds, and next to nothing for the garbage collector. A spelling becomes a string when it is asked for.
 */
export class PackedVocabulary implements Vocabulary {
  /** Where spellings are written that are added or looked for: bytes of UTF-8. */
  readonly scratch = new Uint8Array(2 * LONGEST_SPELLING);
  #bytes: Uint8Array;
  #used = 0;
  /** Where the spelling of each entry begins; the next one's beginning is its end. */
  #starts = new Int32Array(1 << 12);
  #ids = new Int32Array(1 << 12);
  #hashes = new Int32Array(1 << 12);
  /** Entry + 1 by hash. */
  #slots = new Int32Array(1 << 14);
  /** Entry + 1 by id; made when everything is there. */
  #entries = new Int32Array(0);
  /** Id + 1 of spellings of one UTF-16 unit, by that: what models of characters ask for all the time. */
  readonly #units = new Int32Array(1 << 16);
  #size = 0;
  #idLimit = 0;
  #longest = 0;

  /** @param bytesAtMost Bytes of all spellings together are not above it. */
  constructor(bytesAtMost: number) {
    this.#bytes = new Uint8Array(bytesAtMost);
  }

  get size(): number {
    return this.#size;
  }

  get idLimit(): number {
    return this.#idLimit;
  }

  get longest(): number {
    return this.#longest;
  }

  /**
   * Adds the first bytes of the scratch as a spelling, which is valid UTF-8.
   *
   * @returns false when it is there already or its place is crowded
   */
  add(length: number, id: number): boolean {
    if ((this.#size + 1) * 2 > this.#slots.length) this.#growSlots();
    const { scratch } = this;
    const hash = spellingHash(scratch, 0, length);
    const slot = this.#slotOf(hash, 0, length);
    if (slot < 0 || this.#slots[slot] !== 0) return false;
    if (this.#size + 1 >= this.#ids.length) {
      this.#starts = grown(this.#starts);
      this.#ids = grown(this.#ids);
      this.#hashes = grown(this.#hashes);
    }
    const bytes = this.#bytes;
    let used = this.#used;
    let characters = 0;
    for (let at = 0; at < length; at++) {
      const byte = scratch[at] as number;
      bytes[used++] = byte;
      if ((byte & 0xc0) !== 0x80) characters++;
    }
    this.#used = used;
    this.#ids[this.#size] = id;
    this.#hashes[this.#size] = hash;
    this.#size++;
    this.#starts[this.#size] = used;
    this.#slots[slot] = this.#size;
    if (id >= this.#idLimit) this.#idLimit = id + 1;
    if (characters > this.#longest) this.#longest = characters;
    return true;
  }

  /** Ends adding. @returns false when two spellings share an id or ids are few and far between */
  complete(): boolean {
    if (this.#idLimit > Math.max(FEWEST_IDS, this.#size * SPARSEST)) return false;
    this.#bytes = this.#bytes.slice(0, this.#used);
    this.#entries = new Int32Array(this.#idLimit);
    for (let entry = 0; entry < this.#size; entry++) {
      const id = this.#ids[entry] as number;
      if (this.#entries[id] !== 0) return false;
      this.#entries[id] = entry + 1;
      const unit = this.#unitOf(entry);
      if (unit >= 0) this.#units[unit] = id + 1;
    }
    return true;
  }

  /** Id of the spelling that stands in the scratch, or -1. */
  find(start: number, end: number): number {
    const slot = this.#slotOf(spellingHash(this.scratch, start, end), start, end);
    const entry = slot < 0 ? 0 : (this.#slots[slot] as number);
    return entry === 0 ? -1 : (this.#ids[entry - 1] as number);
  }

  get(piece: string): number | undefined {
    if (piece.length === 1) {
      const known = this.#units[piece.charCodeAt(0)] as number;
      return known === 0 ? undefined : known - 1;
    }
    // A character is up to two units.
    if (piece.length > this.#longest * 2) return undefined;
    const length = writeUtf8(piece, this.scratch);
    const id = length < 0 ? -1 : this.find(0, length);
    return id < 0 ? undefined : id;
  }

  has(piece: string): boolean {
    return this.get(piece) !== undefined;
  }

  piece(id: number): string | undefined {
    const entry = this.#entries[id] ?? 0;
    return entry === 0 ? undefined : this.#spelling(entry - 1);
  }

  *pieces(): Iterable<string> {
    for (let entry = 0; entry < this.#size; entry++) yield this.#spelling(entry);
  }

  /** The UTF-16 unit that is all of a spelling, or -1. */
  #unitOf(entry: number): number {
    const bytes = this.#bytes;
    const start = this.#starts[entry] as number;
    const length = (this.#starts[entry + 1] as number) - start;
    if (length === 0 || length > 3) return -1;
    const first = bytes[start] as number;
    if (first < 0x80) return length === 1 ? first : -1;
    const second = (bytes[start + 1] as number) & 0x3f;
    if (first < 0xe0) return length === 2 ? ((first & 0x1f) << 6) | second : -1;
    return ((first & 0xf) << 12) | (second << 6) | ((bytes[start + 2] as number) & 0x3f);
  }

  #spelling(entry: number): string {
    return decoder.decode(this.#bytes.subarray(this.#starts[entry], this.#starts[entry + 1]));
  }

  /** The slot of a spelling or the empty one where it belongs; -1 when it would take too long to find. */
  #slotOf(hash: number, start: number, end: number): number {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let probe = 0; probe < PROBES; probe++) {
      const entry = slots[slot] as number;
      if (entry === 0) return slot;
      if (hashes[entry - 1] === hash && this.#isSpelled(entry - 1, start, end)) return slot;
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  #isSpelled(entry: number, start: number, end: number): boolean {
    const first = this.#starts[entry] as number;
    if ((this.#starts[entry + 1] as number) - first !== end - start) return false;
    const bytes = this.#bytes;
    const { scratch } = this;
    for (let at = start; at < end; at++) if (bytes[first + at - start] !== scratch[at]) return false;
    return true;
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#size; entry++) {
      let slot = (this.#hashes[entry] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function spellingHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = HASH_SEED;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), HASH_FACTOR);
  return hash ^ (hash >>> 15);
}

function grown(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}

/** Writes a text as UTF-8; returns its bytes, -1 for a text with a lone surrogate, which no spelling has. */
function writeUtf8(text: string, output: Uint8Array): number {
  let used = 0;
  for (let index = 0; index < text.length; index++) {
    let code = text.charCodeAt(index);
    if (code < 0x80) {
      output[used++] = code;
      continue;
    }
    if (code < 0x800) {
      output[used++] = 0xc0 | (code >> 6);
      output[used++] = 0x80 | (code & 0x3f);
      continue;
    }
    if ((code & 0xf800) === 0xd800) {
      code = text.codePointAt(index) as number;
      if (code < 0x10000) return -1;
      index++;
      output[used++] = 0xf0 | (code >> 18);
      output[used++] = 0x80 | ((code >> 12) & 0x3f);
    } else {
      output[used++] = 0xe0 | (code >> 12);
    }
    output[used++] = 0x80 | ((code >> 6) & 0x3f);
    output[used++] = 0x80 | (code & 0x3f);
  }
  return used;
}
