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

/**
 * The ids of stretches between added tokens that come again: a system prompt, the earlier messages of a conversation. What comes
 * once is not kept: a stretch enters when it is seen a second time. Bounded: two generations of 2 Mi code units each; when the
 * young one is full it becomes the old one and the old one is forgotten (24 MiB at most, a third of that for English). A
 * tokenizer has two caches, one of them for what begins a text.
 */
export class StretchCache {
  #young = new Map<string, Int32Array>();
  #old = new Map<string, Int32Array>();
  #units = 0;
  readonly #seen = new Int32Array(SEEN);

  /** The ids of a stretch, or undefined. */
  get(stretch: string): Int32Array | undefined {
    if (stretch.length < SHORTEST || stretch.length > LONGEST) return undefined;
    const ids = this.#young.get(stretch);
    if (ids !== undefined) return ids;
    const older = this.#old.get(stretch);
    if (older !== undefined) this.set(stretch, older);
    return older;
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
    if (this.#units + stretch.length > GENERATION_UNITS) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#units = 0;
    }
    this.#units += stretch.length;
    // A piece cut from a text keeps the whole text alive in V8: keep a copy instead.
    this.#young.set(copyOf(stretch), ids);
  }
}

/** Of the length and some 128 units: where two stretches have the same, one of them enters a time too early. */
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
