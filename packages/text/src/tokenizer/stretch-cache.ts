import { lossyText } from "./utf8.ts";

/** Shorter stretches are as quickly encoded as looked up. */
const SHORTEST = 128;
/** Code units of one generation. */
const GENERATION_UNITS = 2 * 1024 * 1024;
/** A longer stretch would push out too many others. */
const LONGEST = GENERATION_UNITS / 16;
/** Stretches remembered as seen once. */
const SEEN = 1 << 14;

const encoder = new TextEncoder();

/** A stretch with its ids. */
interface KnownStretch {
  readonly text: string;
  readonly ids: Int32Array;
}

/**
 * The ids of stretches between added tokens that come again: a system prompt, the earlier messages of a conversation. What comes
 * once is not kept: a stretch enters when it is seen a second time. Bounded: two generations of 2 Mi code units each; when the
 * young one is full it becomes the old one and the old one is forgotten (24 MiB at most, a third of that for English). A
 * tokenizer has two caches, one of them for what begins a text. Found by some of its units and then compared: a Map by the text
 * would hash all of it. Of two with the same of these units only the later one is kept.
 */
export class StretchCache {
  #young = new Map<number, KnownStretch>();
  #old = new Map<number, KnownStretch>();
  #units = 0;
  readonly #seen = new Int32Array(SEEN);

  /** The ids of a stretch, or undefined. */
  get(stretch: string): Int32Array | undefined {
    if (stretch.length < SHORTEST || stretch.length > LONGEST) return undefined;
    const hash = hashOf(stretch);
    const known = this.#young.get(hash);
    if (known !== undefined && known.text === stretch) return known.ids;
    const older = this.#old.get(hash);
    if (older === undefined || older.text !== stretch) return undefined;
    this.#keep(hash, older);
    return older.ids;
  }

  /** True when a stretch that was not found should be given to {@link StretchCache.set}. */
  wants(stretch: string): boolean {
    if (stretch.length < SHORTEST || stretch.length > LONGEST) return false;
    const hash = hashOf(stretch);
    const at = hash & (SEEN - 1);
    if (this.#seen[at] === hash) return true;
    this.#seen[at] = hash;
    return false;
  }

  /** Remembers the ids of a stretch. The ids are kept, not copied. */
  set(stretch: string, ids: Int32Array): void {
    // A piece cut from a text keeps the whole text alive in V8: keep a copy instead.
    this.#keep(hashOf(stretch), { text: copyOf(stretch), ids });
  }

  #keep(hash: number, stretch: KnownStretch): void {
    const { length } = stretch.text;
    if (this.#units + length > GENERATION_UNITS) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#units = 0;
    }
    this.#units += length;
    this.#young.set(hash, stretch);
  }
}

/** Of the length and some 128 units: where two stretches have the same, one of them enters a time too early, and only one is kept. */
function hashOf(text: string): number {
  const { length } = text;
  const step = Math.max(1, Math.floor(length / 64));
  let hash = length;
  for (let index = 0; index < length; index += step)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  for (let index = Math.max(0, length - 64); index < length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash ^= hash >>> 15;
  // 0 stands for nothing seen.
  return hash | 1;
}

/** Through UTF-8, which is quicker than unit by unit; a stretch has no lone surrogates. */
function copyOf(text: string): string {
  return lossyText(encoder.encode(text));
}
