import type { RecurringTokens } from "../generation.ts";
import { RoutingError } from "../routing-error.ts";
import { type ChainState, extendChain, startTextChain, startTokenChain } from "./block-chain.ts";
import type { PrefixRoot } from "./prefix-root.ts";

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
  /** True when the units are bytes of text. */
  readonly isText: boolean;
}

/** What a prompt of token ids starts from, and what is known of earlier ones. */
export interface TokenRoot extends PrefixRoot {
  readonly recurring?: RecurringTokens | undefined;
}

/** Computes keys into its own reused buffer. One per thread. */
export interface BlockHasher {
  /** Keys of a prompt given as token ids. */
  hashTokens(tokenIds: Int32Array, root: TokenRoot): BlockKeys;
  /** Keys of a prompt known only as text, or as text's UTF-8 bytes: the same keys. Never equal to those of token ids. */
  hashText(text: string | Uint8Array, root: PrefixRoot): BlockKeys;
}

/** Options of {@link createBlockHasher}. */
export interface BlockHasherOptions {
  /** Tokens in a block: the engine's, or a multiple of it. Default 16, as in vLLM. */
  readonly blockTokens?: number;
  /** UTF-8 bytes in a block of text; a multiple of 4. Default 128: about 32 tokens of English. */
  readonly blockBytes?: number;
  /** Most blocks that are hashed; what follows is ignored. Default 16384 (262,144 tokens, 128 KiB of keys). */
  readonly maxBlocks?: number;
}

/** Tokens per block where nothing else is known: vLLM's default block size. */
export const DEFAULT_BLOCK_TOKENS = 16;

/** UTF-8 bytes per block of text: what text tells of tokens is rough anyway, and half as many blocks are half the work. */
export const DEFAULT_BLOCK_BYTES = 128;

const DEFAULT_MAX_BLOCKS = 16_384;
const FIRST_CAPACITY_BLOCKS = 512;

/** Creates a hasher; see `block-chain.ts` for the hash itself. Throws `RoutingError("invalid_parameter")`. */
export function createBlockHasher(options: BlockHasherOptions = {}): BlockHasher {
  return new PolynomialHasher(options);
}

class KeyBuffer implements BlockKeys {
  words = new Int32Array(2 * FIRST_CAPACITY_BLOCKS);
  count = 0;
  blockUnits = 0;
  totalUnits = 0;
  isText = false;

  reset(count: number, blockUnits: number, totalUnits: number): void {
    if (this.words.length < 2 * count) {
      this.words = new Int32Array(2 * Math.max(count, this.words.length));
    }
    this.count = count;
    this.blockUnits = blockUnits;
    this.totalUnits = totalUnits;
  }
}

/** Keys of a prompt that comes again. */
interface KeptKeys {
  /** Of the chain before the first block. */
  readonly low: number;
  readonly high: number;
  readonly words: Int32Array;
}

class PolynomialHasher implements BlockHasher {
  readonly #blockTokens: number;
  readonly #blockBytes: number;
  readonly #maxBlocks: number;
  readonly #keys = new KeyBuffer();
  readonly #encoder = new TextEncoder();
  #bytes = new Uint8Array(0);
  readonly #chain: ChainState = { low: 0, high: 0 };
  /** Gone with the arrays that they are the keys of. */
  readonly #kept = new WeakMap<Int32Array, KeptKeys>();

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

  hashTokens(tokenIds: Int32Array, root: TokenRoot): BlockKeys {
    const chain = this.#chain;
    startTokenChain(chain, root);
    const { low, high } = chain;
    const blockUnits = this.#blockTokens;
    this.#keys.reset(this.#blockCount(tokenIds.length, blockUnits), blockUnits, tokenIds.length);
    this.#keys.isText = false;
    const { words, count } = this.#keys;
    const { recurring } = root;
    const known = recurring === undefined ? 0 : this.#takeKept(tokenIds, recurring);
    extendChain(chain, {
      units: tokenIds,
      start: known * blockUnits,
      blockUnits,
      count: count - known,
      words,
      firstBlock: known,
    });
    if (recurring !== undefined && known < count) {
      this.#kept.set(tokenIds, { low, high, words: words.slice(0, 2 * count) });
    }
    return this.#keys;
  }

  /** Takes over the keys that are known of a prompt, the chain being at its beginning, and moves the chain behind them. Returns their number. */
  #takeKept(tokenIds: Int32Array, { earlier, shared }: RecurringTokens): number {
    const chain = this.#chain;
    const own = this.#kept.get(tokenIds);
    const kept = own ?? (earlier && this.#kept.get(earlier));
    if (kept === undefined || kept.low !== chain.low || kept.high !== chain.high) {
      return 0;
    }
    const same = own === undefined ? Math.floor(shared / this.#blockTokens) : this.#keys.count;
    const known = Math.min(same, this.#keys.count, kept.words.length >> 1);
    if (known === 0) {
      return 0;
    }
    const { words } = this.#keys;
    words.set(kept.words.subarray(0, 2 * known));
    chain.low = words[2 * known - 2]!;
    chain.high = words[2 * known - 1]!;
    return known;
  }

  hashText(text: string | Uint8Array, root: PrefixRoot): BlockKeys {
    startTextChain(this.#chain, root);
    const { written, totalBytes } = this.#takeText(text);
    this.#keys.reset(this.#blockCount(written, this.#blockBytes), this.#blockBytes, totalBytes);
    this.#keys.isText = true;
    extendChain(this.#chain, {
      units: new Int32Array(this.#bytes.buffer, 0, written >> 2),
      start: 0,
      blockUnits: this.#blockBytes >> 2,
      count: this.#keys.count,
      words: this.#keys.words,
      firstBlock: 0,
    });
    return this.#keys;
  }

  /** Brings a text into the hasher's own bytes, whose words are aligned; no more of it than will be hashed. */
  #takeText(text: string | Uint8Array): { readonly written: number; readonly totalBytes: number } {
    const most = this.#maxBlocks * this.#blockBytes + 3;
    // At most three bytes per UTF-16 unit.
    const needed = Math.min(typeof text === "string" ? 3 * text.length : text.length, most);
    if (this.#bytes.length < needed) {
      this.#bytes = new Uint8Array(4 * Math.ceil(Math.max(needed, 2 * this.#bytes.length) / 4));
    }
    if (typeof text === "string") {
      const { read, written } = this.#encoder.encodeInto(text, this.#bytes);
      return { written, totalBytes: written + (text.length - read) };
    }
    this.#bytes.set(needed === text.length ? text : text.subarray(0, needed));
    return { written: needed, totalBytes: text.length };
  }

  #blockCount(totalUnits: number, blockUnits: number): number {
    return Math.min(this.#maxBlocks, Math.floor(totalUnits / blockUnits));
  }
}
