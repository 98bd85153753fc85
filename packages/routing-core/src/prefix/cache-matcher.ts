import { RoutingError } from "../routing-error.ts";
import type { WorkerSlot } from "../snapshot.ts";
import type { BlockKeys } from "./block-keys.ts";
import type { PrefixIndex } from "./prefix-index.ts";

/** Worth of a block outside the device's memory, as a share of one inside. */
export interface MediumWeights {
  readonly host: number;
  readonly storage: number;
}

const DEFAULT_WEIGHTS: MediumWeights = { host: 0.8, storage: 0.4 };
const PER = 0;
const HOST = 1;
const STORAGE = 2;
const WORDS_PER_SLOT = 4;
/** Of the words before the slots': 1 once any slot's engine was anything but plain. */
const ANY = 0;

/** Bytes of what is known of each slot's engine. */
export function cacheTraitsSizeBytes(slotCapacity: number): number {
  return (1 + slotCapacity) * WORDS_PER_SLOT * Int32Array.BYTES_PER_ELEMENT;
}

/**
 * What a lookup must know of each slot's engine beside the index: its block size, and the slots of the index that stand for
 * its slower media. In one buffer, which the fleet's thread writes and all read.
 */
export class CacheTraits {
  readonly #words: Int32Array;

  constructor(buffer: ArrayBufferLike) {
    this.#words = new Int32Array(buffer);
  }

  /** Says what there is to know of a slot; -1 for a medium that is not looked at. */
  set(
    slot: WorkerSlot,
    traits: { readonly per: number; readonly host: number; readonly storage: number },
  ): void {
    const start = (1 + slot) * WORDS_PER_SLOT;
    this.#words[start + PER] = traits.per;
    this.#words[start + HOST] = traits.host + 1;
    this.#words[start + STORAGE] = traits.storage + 1;
    if (traits.per > 1 || traits.host >= 0) {
      this.#words[ANY] = 1;
    }
  }

  /** True while every engine has blocks like the index's, and no slower media. */
  get areAllPlain(): boolean {
    return this.#words[ANY] === 0;
  }

  /** Blocks of the index in one block of the engine. */
  blocksPerEngineBlock(slot: WorkerSlot): number {
    return Math.max(1, this.#words[(1 + slot) * WORDS_PER_SLOT + PER]!);
  }

  hostSlot(slot: WorkerSlot): number {
    return this.#words[(1 + slot) * WORDS_PER_SLOT + HOST]! - 1;
  }

  storageSlot(slot: WorkerSlot): number {
    return this.#words[(1 + slot) * WORDS_PER_SLOT + STORAGE]! - 1;
  }
}

/** What a {@link CacheMatcher} reads. */
export interface CacheMatcherOptions {
  readonly index: PrefixIndex;
  readonly slotCapacity: number;
  readonly traits: CacheTraits;
  readonly weights?: MediumWeights | undefined;
}

/** Looks up what each slot's engine would find of a prompt in its cache. */
export class CacheMatcher {
  readonly #options: CacheMatcherOptions;
  readonly #weights: MediumWeights;
  /** Depths of the latest match, in blocks of the index, for all of its slots. */
  readonly #matched: Int32Array;
  #matchedKeys: BlockKeys | undefined;

  constructor(options: CacheMatcherOptions) {
    const { index, slotCapacity } = options;
    if (!(slotCapacity >= 1 && slotCapacity <= index.slotCapacity)) {
      throw new RoutingError(
        "invalid_parameter",
        `slotCapacity must be 1 to the index's ${index.slotCapacity}, got ${slotCapacity}`,
      );
    }
    this.#options = options;
    this.#weights = options.weights ?? DEFAULT_WEIGHTS;
    this.#matched = new Int32Array(index.slotCapacity);
  }

  /** Blocks of the prompt in the slot when these keys were matched last; 0 when others were. */
  known(keys: BlockKeys, slot: WorkerSlot): number {
    return this.#matchedKeys === keys ? this.#matched[slot]! : 0;
  }

  /** See `EngineCaches.match`. */
  match(keys: BlockKeys, matchedBlocks: Int32Array): number {
    const { index, slotCapacity, traits } = this.#options;
    const matched = this.#matched;
    this.#matchedKeys = keys;
    const most = index.match(keys, matched);
    if (most === 0) {
      matchedBlocks.fill(0, 0, slotCapacity);
      return 0;
    }
    if (keys.isText) {
      matchedBlocks.set(matched.subarray(0, slotCapacity));
      return most;
    }
    let worth = 0;
    const usable = Math.floor((keys.totalUnits - 1) / keys.blockUnits);
    if (traits.areAllPlain) {
      if (most <= usable) {
        // As one block of memory: there is room for a thousand slots, of which few are used.
        matchedBlocks.set(matched.subarray(0, slotCapacity));
        return most;
      }
      for (let slot = 0; slot < slotCapacity; slot += 1) {
        matchedBlocks[slot] = Math.min(matched[slot]!, usable);
      }
      return Math.min(most, usable);
    }
    for (let slot = 0; slot < slotCapacity; slot += 1) {
      const isPlain = traits.blocksPerEngineBlock(slot) === 1 && traits.hostSlot(slot) < 0;
      const blocks = isPlain ? Math.min(matched[slot]!, usable) : this.#worth(slot, keys);
      matchedBlocks[slot] = blocks;
      worth = blocks > worth ? blocks : worth;
    }
    return worth;
  }

  /** What a slot's blocks are worth, by the engine's own block size and the media they are in. */
  #worth(slot: WorkerSlot, keys: BlockKeys): number {
    const matched = this.#matched;
    const { traits } = this.#options;
    const per = traits.blocksPerEngineBlock(slot);
    const usable = Math.floor((keys.totalUnits - 1) / (keys.blockUnits * per)) * per;
    const whole = (of: number): number =>
      of < 0 ? 0 : Math.min(usable, matched[of]! - (matched[of]! % per));
    const device = whole(slot);
    const host = Math.max(device, whole(traits.hostSlot(slot)));
    const storage = Math.max(host, whole(traits.storageSlot(slot)));
    return Math.floor(
      device + this.#weights.host * (host - device) + this.#weights.storage * (storage - host),
    );
  }
}
