/**
 * The chained 64-bit keys of a prompt's full blocks: key i stands for the whole prompt up to the end of block i, so equal
 * keys mean equal prefixes (a false match needs a 64-bit collision, which is not guarded against: a wrong worker is a
 * slower answer, not a wrong one). Reused from prompt to prompt; copy what you keep.
 */
export interface BlockKeys {
  /** Two words per block, low then high. The high word is never 0, so 0 can mean an empty table entry. */
  readonly words: Int32Array;
  /** Number of full blocks. */
  readonly count: number;
  /** Tokens, or UTF-16 units for text, in one block. */
  readonly blockUnits: number;
  /** Tokens or UTF-16 units of the whole prompt, the incomplete last block included. */
  readonly totalUnits: number;
}

/** What separates caches that share no blocks: hashed into every chain's start. */
export interface PrefixRoot {
  readonly loraName?: string | undefined;
  readonly cacheSalt?: string | undefined;
}

/** Computes keys into its own reused buffer. One per thread. */
export interface BlockHasher {
  /** Keys of a prompt given as token ids. */
  hashTokens(tokenIds: Int32Array, root: PrefixRoot): BlockKeys;
  /** Keys of a prompt known only as text. Never equal to those of token ids. */
  hashText(text: string, root: PrefixRoot): BlockKeys;
}

/** Options of {@link createBlockHasher}. */
export interface BlockHasherOptions {
  /** Tokens in a block: the engine's, or a multiple of it. Default 16, as in vLLM. */
  readonly blockTokens?: number;
  /** UTF-16 units in a block of text. Default 64: about 16 tokens of English. */
  readonly blockCharacters?: number;
  /** Most blocks that are hashed; what follows is ignored. Default 16384 (262,144 tokens, 128 KiB of keys). */
  readonly maxBlocks?: number;
}

/** Tokens per block where nothing else is known: vLLM's default block size. */
export const DEFAULT_BLOCK_TOKENS = 16;

/** UTF-16 units per block of text. */
export const DEFAULT_BLOCK_CHARACTERS = 64;

const DEFAULT_MAX_BLOCKS = 16_384;
const FIRST_CAPACITY_BLOCKS = 512;
const TOKEN_SEED = 0x746f6b65;
const TEXT_SEED = 0x74657874;

/**
 * Two 32-bit lanes mixed murmur-like over the units of a block, finalised into the block's key, and fed back into the
 * lanes, so that each key depends on all blocks before it.
 */
export function createBlockHasher(options: BlockHasherOptions = {}): BlockHasher {
  return new LaneHasher(options);
}

class KeyBuffer implements BlockKeys {
  words = new Int32Array(2 * FIRST_CAPACITY_BLOCKS);
  count = 0;
  blockUnits = 0;
  totalUnits = 0;

  reset(count: number, blockUnits: number, totalUnits: number): void {
    if (this.words.length < 2 * count) {
      this.words = new Int32Array(2 * Math.max(count, this.words.length));
    }
    this.count = count;
    this.blockUnits = blockUnits;
    this.totalUnits = totalUnits;
  }
}

class LaneHasher implements BlockHasher {
  readonly #blockTokens: number;
  readonly #blockCharacters: number;
  readonly #maxBlocks: number;
  readonly #keys = new KeyBuffer();
  #laneA = 0;
  #laneB = 0;

  constructor(options: BlockHasherOptions) {
    this.#blockTokens = options.blockTokens ?? DEFAULT_BLOCK_TOKENS;
    this.#blockCharacters = options.blockCharacters ?? DEFAULT_BLOCK_CHARACTERS;
    this.#maxBlocks = options.maxBlocks ?? DEFAULT_MAX_BLOCKS;
  }

  hashTokens(tokenIds: Int32Array, root: PrefixRoot): BlockKeys {
    const blockUnits = this.#blockTokens;
    const keys = this.#start(blockUnits, tokenIds.length);
    this.#seed(TOKEN_SEED, root);
    const words = keys.words;
    const end = keys.count * 2;
    let a = this.#laneA;
    let b = this.#laneB;
    let position = 0;
    for (let word = 0; word < end; word += 2) {
      for (const blockEnd = position + blockUnits; position < blockEnd; position += 1) {
        const unit = tokenIds[position]!;
        a = Math.imul(a ^ unit, 0xcc9e2d51);
        a = (((a << 15) | (a >>> 17)) + 0x52dce729) | 0;
        b = Math.imul(b ^ unit ^ ((unit << 16) | (unit >>> 16)), 0x1b873593);
        b = (((b << 13) | (b >>> 19)) + 0x38495ab5) | 0;
      }
      const low = finishLow(a ^ (b >>> 7));
      const high = finishHigh(b ^ (a >>> 9));
      words[word] = low;
      words[word + 1] = high === 0 ? 1 : high;
      a ^= high;
      b ^= low;
    }
    return keys;
  }

  hashText(text: string, root: PrefixRoot): BlockKeys {
    const blockUnits = this.#blockCharacters;
    const keys = this.#start(blockUnits, text.length);
    this.#seed(TEXT_SEED, root);
    const words = keys.words;
    const end = keys.count * 2;
    let a = this.#laneA;
    let b = this.#laneB;
    let position = 0;
    for (let word = 0; word < end; word += 2) {
      for (const blockEnd = position + blockUnits; position < blockEnd; position += 1) {
        const unit = text.charCodeAt(position);
        a = Math.imul(a ^ unit, 0xcc9e2d51);
        a = (((a << 15) | (a >>> 17)) + 0x52dce729) | 0;
        b = Math.imul(b ^ unit ^ (unit << 16), 0x1b873593);
        b = (((b << 13) | (b >>> 19)) + 0x38495ab5) | 0;
      }
      const low = finishLow(a ^ (b >>> 7));
      const high = finishHigh(b ^ (a >>> 9));
      words[word] = low;
      words[word + 1] = high === 0 ? 1 : high;
      a ^= high;
      b ^= low;
    }
    return keys;
  }

  #start(blockUnits: number, totalUnits: number): KeyBuffer {
    const count = Math.min(this.#maxBlocks, Math.floor(totalUnits / blockUnits));
    this.#keys.reset(count, blockUnits, totalUnits);
    return this.#keys;
  }

  #seed(seed: number, root: PrefixRoot): void {
    this.#laneA = 0x9e3779b9 ^ seed;
    this.#laneB = 0x85ebca6b ^ seed;
    this.#mixString(root.loraName);
    this.#mixString(root.cacheSalt);
  }

  /** Mixes length and units, so that ("ab", "c") and ("a", "bc") differ, and a missing string differs from an empty one. */
  #mixString(value: string | undefined): void {
    const length = value === undefined ? -1 : value.length;
    let a = Math.imul(this.#laneA ^ length, 0xcc9e2d51);
    let b = Math.imul(this.#laneB ^ length, 0x1b873593);
    for (let index = 0; index < length; index += 1) {
      const unit = value!.charCodeAt(index);
      a = Math.imul(a ^ unit, 0xcc9e2d51);
      a = (((a << 15) | (a >>> 17)) + 0x52dce729) | 0;
      b = Math.imul(b ^ unit ^ (unit << 16), 0x1b873593);
      b = (((b << 13) | (b >>> 19)) + 0x38495ab5) | 0;
    }
    this.#laneA = finishLow(a);
    this.#laneB = finishHigh(b);
  }
}

/** murmur3's 32-bit finaliser. */
function finishLow(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** A second finaliser with other constants (from the "lowbias32" family), so that the two words are independent. */
function finishHigh(value: number): number {
  let hash = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return hash ^ (hash >>> 15);
}
