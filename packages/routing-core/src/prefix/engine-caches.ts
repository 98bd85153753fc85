import type { Clock } from "../clock.ts";
import { RoutingError } from "../routing-error.ts";
import type { WorkerSlot } from "../snapshot.ts";
import { type BlockKeys, DEFAULT_BLOCK_TOKENS } from "./block-keys.ts";
import { CacheMatcher, CacheTraits, cacheTraitsSizeBytes, type MediumWeights } from "./cache-matcher.ts";
import type { ObservedHit } from "./hit-feedback.ts";
import { EngineCache } from "./engine-cache.ts";
import type { EngineCacheContext } from "./kv-claims.ts";
import { EngineBlocks } from "./engine-blocks.ts";
import type { PrefixIndex, PrefixReader } from "./prefix-index.ts";
import { Speculations } from "./speculations.ts";

/** What decisions ask and tell of the engines' caches. */
export interface PlacementCaches extends PrefixReader {
  /**
   * Whole blocks of the prompt that each slot's engine would find in its cache, in the prompt's blocks: rounded down to the
   * engine's own blocks, without the prompt's last token (which engines always compute), what lies in slower media counted
   * for less.
   */
  match(keys: BlockKeys, matchedBlocks: Int32Array): number;
  /** A prompt was placed on the slot: it will hold its blocks. */
  insert(keys: BlockKeys, slot: WorkerSlot): void;
  /** Stamp of the last use of the deepest block that the latest insertion found; 0 when it found none. */
  readonly lastPlacedStamp: number;
  /** An engine told how much of a prompt it found; see `EngineCache.observe`. */
  observe(slot: WorkerSlot, hit: ObservedHit, keys: () => BlockKeys): void;
}

/** What the fleet's engines hold, told by their events where they send any and guessed from placements where not. */
export interface EngineCaches extends PlacementCaches {
  /** `insert` for a prompt that another thread has matched: `known` blocks of it were in the slot. */
  insertKnown(keys: BlockKeys, slot: WorkerSlot, known: number): void;
  /** What a slot's engine holds, and what is told about it. */
  cache(slot: WorkerSlot): EngineCache;
  /** Forgets everything about the slot; another engine may have it from now on. */
  reset(slot: WorkerSlot): void;
  /** Takes back what engines should have told by now. Done at every insertion as well. */
  expire(): void;
  stats(): EngineCachesStats;
}

/** Figures of {@link EngineCaches}. */
export interface EngineCachesStats {
  /** Records of blocks that engines have told, and how many there can be. */
  readonly toldBlocks: number;
  readonly toldBlockCapacity: number;
  /** Placements that engines have not confirmed yet, in blocks. */
  readonly speculatedBlocks: number;
  /** Memory taken by these, beside the index's own. */
  readonly sizeBytes: number;
  /** Blocks forgotten for want of room. */
  readonly droppedBlocks: number;
}

/** Options of {@link createEngineCaches}. */
export interface EngineCachesOptions {
  /** The table; its slots beyond `slotCapacity` are used for what engines keep outside their device's memory. */
  readonly index: PrefixIndex;
  readonly slotCapacity: number;
  readonly clock: Clock;
  /** Tokens in a block of the index; the hasher's. Default 16. */
  readonly blockTokens?: number;
  /** Blocks of a prompt that are looked at, at most; the hasher's. Default 16384. */
  readonly maxBlocks?: number;
  /** Bound of what is guessed of one slot, as set in the index; 0 (default) for none. */
  readonly capacityBlocks?: number;
  /** Memory for the blocks that engines tell, all engines together. Default 64 MiB, about 1.2 million blocks. */
  readonly toldBytes?: number;
  /** How long a placement counts before the engine has told its blocks. Default 10 s. */
  readonly speculationMs?: number;
  /** Speculated blocks at most. Default 65,536. */
  readonly speculatedBlocks?: number;
  /** Worth of a block outside the device's memory, as a share of one inside. Default 0.8 and 0.4. */
  readonly mediumWeights?: MediumWeights;
  /** Where request threads read what lookups must know of engines; a buffer of its own when missing. */
  readonly traits?: ArrayBufferLike;
}

const DEFAULT_MAX_BLOCKS = 16_384;
const DEFAULT_TOLD_BYTES = 64 * 1024 * 1024;
const DEFAULT_SPECULATION_MS = 10_000;
const DEFAULT_SPECULATED_BLOCKS = 65_536;

/** Creates the caches of a fleet over an index. Throws `RoutingError("invalid_parameter")`. */
export function createEngineCaches(options: EngineCachesOptions): EngineCaches {
  return new FleetCaches(options);
}

class FleetCaches implements EngineCaches {
  readonly slotCapacity: number;
  readonly #options: EngineCachesOptions;
  readonly #index: PrefixIndex;
  readonly #caches: (EngineCache | undefined)[] = [];
  readonly #matcher: CacheMatcher;
  readonly #traits: CacheTraits;
  readonly #words: Int32Array;
  readonly #blockWords: Int32Array;
  readonly #speculations: Speculations;
  readonly #speculationMs: number;
  readonly #blockTokens: number;
  /** Slots outside device memory that are free. */
  readonly #spareSlots: number[] = [];
  /** Made with the first event: 64 MiB are not wanted where no engine sends any. */
  #blocks: EngineBlocks | undefined;
  #droppedBlocks = 0;
  lastPlacedStamp = 0;

  constructor(options: EngineCachesOptions) {
    const { index, slotCapacity, maxBlocks = DEFAULT_MAX_BLOCKS } = options;
    this.#traits = new CacheTraits(options.traits ?? new ArrayBuffer(cacheTraitsSizeBytes(slotCapacity)));
    this.#matcher = new CacheMatcher({
      index,
      slotCapacity,
      traits: this.#traits,
      weights: options.mediumWeights,
    });
    this.slotCapacity = slotCapacity;
    this.#options = options;
    this.#index = index;
    this.#blockTokens = options.blockTokens ?? DEFAULT_BLOCK_TOKENS;
    this.#speculationMs = options.speculationMs ?? DEFAULT_SPECULATION_MS;
    this.#words = new Int32Array(2 * maxBlocks);
    this.#blockWords = new Int32Array(2 * maxBlocks);
    for (let slot = index.slotCapacity - 1; slot >= slotCapacity; slot -= 1) {
      this.#spareSlots.push(slot);
    }
    this.#speculations = new Speculations({
      capacity: options.speculatedBlocks ?? DEFAULT_SPECULATED_BLOCKS,
      scratch: new Int32Array(2 * maxBlocks),
      takeBack: (slot, block, words) => index.removeBlock(words, block, slot),
    });
  }

  match(keys: BlockKeys, matchedBlocks: Int32Array): number {
    return this.#matcher.match(keys, matchedBlocks);
  }

  observe(slot: WorkerSlot, hit: ObservedHit, keys: () => BlockKeys): void {
    this.cache(slot).observe(hit, keys);
  }

  insert(keys: BlockKeys, slot: WorkerSlot): void {
    this.insertKnown(keys, slot, this.#matcher.known(keys, slot));
  }

  insertKnown(keys: BlockKeys, slot: WorkerSlot, known: number): void {
    this.expire();
    const cache = this.#caches[slot];
    this.lastPlacedStamp = known === 0 ? 0 : this.#index.lastUse(keys.words, known - 1, slot);
    if (cache === undefined || !cache.isTold || keys.isText) {
      this.#index.insert(keys, slot);
      return;
    }
    // Beyond the engine's last whole block nothing will ever be told.
    const count = keys.count - (keys.count % cache.blocksPerEngineBlock);
    const expiresAtMs = this.#options.clock() + this.#speculationMs;
    let first = Math.min(known, count);
    // What an earlier placement brings is the end of what is known; this placement brings it as well.
    while (
      first > 0 &&
      this.#speculations.confirm(slot, keys.words[2 * first - 2]!, keys.words[2 * first - 1]!)
    ) {
      first -= 1;
      this.#speculations.add({ slot, block: first, words: keys.words }, expiresAtMs);
    }
    for (let block = known; block < count; block += 1) {
      if (this.#index.lastUse(keys.words, block, slot) === 0) {
        this.#speculations.add({ slot, block, words: keys.words }, expiresAtMs);
      }
    }
    this.#index.insert({ ...keys, words: keys.words, count }, slot);
  }

  cache(slot: WorkerSlot): EngineCache {
    if (!(slot >= 0 && slot < this.slotCapacity)) {
      throw new RoutingError("invalid_parameter", `slot ${slot} is outside the caches' ${this.slotCapacity}`);
    }
    return (this.#caches[slot] ??= new EngineCache(slot, this.#context()));
  }

  reset(slot: WorkerSlot): void {
    this.#caches[slot]?.forget();
    this.#caches[slot] = undefined;
    this.#index.clear(slot);
  }

  expire(): void {
    this.#speculations.expire(this.#options.clock());
  }

  stats(): EngineCachesStats {
    return {
      toldBlocks: this.#blocks?.used ?? 0,
      toldBlockCapacity: this.#blocks?.capacity ?? 0,
      speculatedBlocks: this.#speculations.size,
      sizeBytes: this.#blocks?.sizeBytes ?? 0,
      droppedBlocks: this.#droppedBlocks,
    };
  }

  #context(): EngineCacheContext {
    return {
      index: this.#index,
      traits: this.#traits,
      speculations: this.#speculations,
      blockTokens: this.#blockTokens,
      words: this.#words,
      blockWords: this.#blockWords,
      capacityBlocks: this.#options.capacityBlocks ?? 0,
      clock: this.#options.clock,
      blocks: () => this.#toldBlocks(),
      takeSlot: () => this.#spareSlots.pop() ?? -1,
      giveSlotBack: (slot) => this.#spareSlots.push(slot),
    };
  }

  #toldBlocks(): EngineBlocks {
    this.#blocks ??= new EngineBlocks(this.#options.toldBytes ?? DEFAULT_TOLD_BYTES, (head) => {
      this.#droppedBlocks += 1;
      this.#caches[this.#blocks!.slotOf(head)]?.dropped(head);
    });
    return this.#blocks;
  }
}
