import type { PrefixRoot } from "./prefix-root.ts";

/** Where a chain of keys stands: the key of the last block, or what the first one starts from. */
export interface ChainState {
  low: number;
  high: number;
}

/** Blocks to be added to a chain. */
export interface ChainStep {
  /** Tokens, or 32-bit words of text. */
  readonly units: Int32Array;
  /** Where the first block begins in `units`. */
  readonly start: number;
  /** Units of a block. */
  readonly blockUnits: number;
  /** Number of blocks. */
  readonly count: number;
  /** Gets two words per block, low then high, from block `firstBlock` on. */
  readonly words: Int32Array;
  readonly firstBlock: number;
}

const TOKEN_SEED = 0x746f6b65;
const TEXT_SEED = 0x74657874;

/** Starts a chain over token ids. */
export function startTokenChain(chain: ChainState, root: PrefixRoot): void {
  startChain(chain, TOKEN_SEED, root);
}

/** Starts a chain over text; its keys never equal those of token ids. */
export function startTextChain(chain: ChainState, root: PrefixRoot): void {
  startChain(chain, TEXT_SEED, root);
}

/**
 * Adds blocks to a chain. Per block, four 32-bit polynomials (two over the units at even places, two over those at odd
 * ones) are finalised into the block's key, from which the next block's start: so each key depends on all blocks before it.
 * No lane waits for another and there is one multiplication per unit and lane, which makes this about as fast as reading the
 * units.
 */
export function extendChain(chain: ChainState, step: ChainStep): void {
  const { units, blockUnits, count, words, firstBlock } = step;
  const end = 2 * (firstBlock + count);
  let { low, high } = chain;
  let position = step.start;
  for (let word = 2 * firstBlock; word < end; word += 2) {
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
  chain.low = low;
  chain.high = high;
}

/** Mixes length and units, so that ("ab", "c") and ("a", "bc") differ, and a missing string differs from an empty one. */
export function mixString(chain: ChainState, value: string | undefined): void {
  const length = value === undefined ? -1 : value.length;
  let low = Math.imul(chain.low ^ length, EVEN_MULTIPLIER_A);
  let high = Math.imul(chain.high ^ length, EVEN_MULTIPLIER_B);
  for (let index = 0; index < length; index += 1) {
    const unit = value!.charCodeAt(index);
    low = (Math.imul(low, EVEN_MULTIPLIER_A) + unit) | 0;
    high = (Math.imul(high, EVEN_MULTIPLIER_B) + unit) | 0;
  }
  chain.low = finishLow(low);
  chain.high = finishHigh(high);
}

function startChain(chain: ChainState, seed: number, root: PrefixRoot): void {
  chain.low = 0x9e3779b9 ^ seed;
  chain.high = 0x85ebca6b ^ seed;
  mixString(chain, root.loraName);
  mixString(chain, root.cacheSalt);
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
