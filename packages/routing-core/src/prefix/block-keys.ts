import { RoutingError } from "../routing-error.ts";

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
  /** Tokens, or UTF-8 bytes for text, in one block. */
  readonly blockUnits: number;
  /** Tokens or (nearly) UTF-8 bytes of the whole prompt, the incomplete last block included. */
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
  /** UTF-8 bytes in a block of text; a multiple of 4. Default 64: about 16 tokens of English. */
  readonly blockBytes?: number;
  /** Most blocks that are hashed; what follows is ignored. Default 16384 (262,144 tokens, 128 KiB of keys). */
  readonly maxBlocks?: number;
}

/** Tokens per block where nothing else is known: vLLM's default block size. */
export const DEFAULT_BLOCK_TOKENS = 16;

/** UTF-8 bytes per block of text. */
export const DEFAULT_BLOCK_BYTES = 64;

const DEFAULT_MAX_BLOCKS = 16_384;
const FIRST_CAPACITY_BLOCKS = 512;
const TOKEN_SEED = 0x746f6b65;
const TEXT_SEED = 0x74657874;

/**
 * Per block, four 32-bit polynomials (two over the units at even places, two over those at odd ones) are finalised into
 * the block's key, from which the next block's start: so each key depends on all blocks before it. No lane waits for
 * another and there is one multiplication per unit and lane, which makes this about as fast as reading the units.
 */
export function createBlockHasher(options: BlockHasherOptions = {}): BlockHasher {
  return new PolynomialHasher(options);
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

class PolynomialHasher implements BlockHasher {
  readonly #blockTokens: number;
  readonly #blockBytes: number;
  readonly #maxBlocks: number;
  readonly #keys = new KeyBuffer();
  readonly #encoder = new TextEncoder();
  #bytes = new Uint8Array(0);
  #seedLow = 0;
  #seedHigh = 0;

  constructor(options: BlockHasherOptions) {
    this.#blockTokens = options.blockTokens ?? DEFAULT_BLOCK_TOKENS;
    this.#blockBytes = options.blockBytes ?? DEFAULT_BLOCK_BYTES;
    this.#maxBlocks = options.maxBlocks ?? DEFAULT_MAX_BLOCKS;
    const isValid =
      [this.#blockTokens, this.#blockBytes, this.#maxBlocks].every(
        (size) => Number.isInteger(size) && size >= 1,
      ) && this.#blockBytes % 4 === 0;
    if (!isValid) {
      throw new RoutingError(
        "invalid_parameter",
        "blockTokens, blockBytes and maxBlocks must be integers of at least 1, blockBytes a multiple of 4",
      );
    }
  }

  hashTokens(tokenIds: Int32Array, root: PrefixRoot): BlockKeys {
    this.#seed(TOKEN_SEED, root);
    this.#keys.reset(
      this.#blockCount(tokenIds.length, this.#blockTokens),
      this.#blockTokens,
      tokenIds.length,
    );
    this.#hashBlocks(tokenIds, this.#blockTokens);
    return this.#keys;
  }

  hashText(text: string, root: PrefixRoot): BlockKeys {
    this.#seed(TEXT_SEED, root);
    // At most three bytes per UTF-16 unit; more than the bound allows is not even encoded.
    const neededBytes = Math.min(3 * text.length, this.#maxBlocks * this.#blockBytes + 3);
    if (this.#bytes.length < neededBytes) {
      this.#bytes = new Uint8Array(4 * Math.ceil(Math.max(neededBytes, 2 * this.#bytes.length) / 4));
    }
    const { read, written } = this.#encoder.encodeInto(text, this.#bytes);
    const totalBytes = written + (text.length - read);
    this.#keys.reset(this.#blockCount(written, this.#blockBytes), this.#blockBytes, totalBytes);
    this.#hashBlocks(new Int32Array(this.#bytes.buffer, 0, written >> 2), this.#blockBytes >> 2);
    return this.#keys;
  }

  #blockCount(totalUnits: number, blockUnits: number): number {
    return Math.min(this.#maxBlocks, Math.floor(totalUnits / blockUnits));
  }

  #hashBlocks(units: Int32Array, blockUnits: number): void {
    const { words, count } = this.#keys;
    const end = 2 * count;
    let low = this.#seedLow;
    let high = this.#seedHigh;
    let position = 0;
    for (let word = 0; word < end; word += 2) {
      const blockEnd = position + blockUnits;
      let evenA = low;
      let evenB = high;
      let oddA = EVEN_MULTIPLIER_A;
      let oddB = EVEN_MULTIPLIER_B;
      for (const pairsEnd = blockEnd - 1; position < pairsEnd; position += 2) {
        const even = units[position]!;
        const odd = units[position + 1]!;
        evenA = (Math.imul(evenA, EVEN_MULTIPLIER_A) + even) | 0;
        evenB = (Math.imul(evenB, EVEN_MULTIPLIER_B) + even) | 0;
        oddA = (Math.imul(oddA, ODD_MULTIPLIER_A) + odd) | 0;
        oddB = (Math.imul(oddB, ODD_MULTIPLIER_B) + odd) | 0;
      }
      if (position < blockEnd) {
        const last = units[position]!;
        evenA = (Math.imul(evenA, EVEN_MULTIPLIER_A) + last) | 0;
        evenB = (Math.imul(evenB, EVEN_MULTIPLIER_B) + last) | 0;
        position = blockEnd;
      }
      low = finishLow(evenA ^ ((oddA << 11) | (oddA >>> 21)) ^ (evenB >>> 7));
      high = finishHigh(evenB ^ ((oddB << 19) | (oddB >>> 13)) ^ (evenA >>> 9));
      high = high === 0 ? 1 : high;
      words[word] = low;
      words[word + 1] = high;
    }
  }

  #seed(seed: number, root: PrefixRoot): void {
    this.#seedLow = 0x9e3779b9 ^ seed;
    this.#seedHigh = 0x85ebca6b ^ seed;
    this.#mixString(root.loraName);
    this.#mixString(root.cacheSalt);
  }

  /** Mixes length and units, so that ("ab", "c") and ("a", "bc") differ, and a missing string differs from an empty one. */
  #mixString(value: string | undefined): void {
    const length = value === undefined ? -1 : value.length;
    let low = Math.imul(this.#seedLow ^ length, EVEN_MULTIPLIER_A);
    let high = Math.imul(this.#seedHigh ^ length, EVEN_MULTIPLIER_B);
    for (let index = 0; index < length; index += 1) {
      const unit = value!.charCodeAt(index);
      low = (Math.imul(low, EVEN_MULTIPLIER_A) + unit) | 0;
      high = (Math.imul(high, EVEN_MULTIPLIER_B) + unit) | 0;
    }
    this.#seedLow = finishLow(low);
    this.#seedHigh = finishHigh(high);
  }
}

// Odd numbers without pattern, so that multiplying by them loses nothing.
const EVEN_MULTIPLIER_A = 0xcc9e2d51;
const EVEN_MULTIPLIER_B = 0x1b873593;
const ODD_MULTIPLIER_A = 0x2c1b3c6d;
const ODD_MULTIPLIER_B = 0x297a2d39;

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
