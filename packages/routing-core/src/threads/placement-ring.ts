import type { BlockKeys } from "../prefix/block-keys.ts";
import { CacheMatcher, CacheTraits } from "../prefix/cache-matcher.ts";
import type { EngineCaches, PlacementCaches } from "../prefix/engine-caches.ts";
import type { ObservedHit } from "../prefix/hit-feedback.ts";
import type { PrefixIndex } from "../prefix/prefix-index.ts";
import type { WorkerSlot } from "../snapshot.ts";
import type { RingReader, RingWriter } from "./spsc-ring.ts";

const PLACED = 1;
const OBSERVED = 2;
/** Words of a record before its keys: kind, slot, four more of the kind's own, and four about the keys. */
const HEAD_WORDS = 10;

/** What {@link createRemoteCaches} works with. */
export interface RemoteCachesOptions {
  /** The shared table, which this thread only reads. */
  readonly index: PrefixIndex;
  readonly slotCapacity: number;
  /** The fleet's traits of engines. */
  readonly traits: ArrayBufferLike;
  readonly ring: RingWriter;
  /** The fleet's thread rests and there is something in the ring. */
  readonly wake: () => void;
}

/**
 * What the engines hold, as a request thread has it: read from the shared table at once, while what is to be written goes
 * through a ring to the fleet's thread, the only one that writes.
 */
export function createRemoteCaches(options: RemoteCachesOptions): PlacementCaches {
  return new RemoteCaches(options);
}

class RemoteCaches implements PlacementCaches {
  readonly slotCapacity: number;
  lastPlacedStamp = 0;
  readonly #options: RemoteCachesOptions;
  readonly #matcher: CacheMatcher;

  constructor(options: RemoteCachesOptions) {
    const { index, slotCapacity, traits } = options;
    this.slotCapacity = slotCapacity;
    this.#options = options;
    this.#matcher = new CacheMatcher({ index, slotCapacity, traits: new CacheTraits(traits) });
  }

  match(keys: BlockKeys, matchedBlocks: Int32Array): number {
    return this.#matcher.match(keys, matchedBlocks);
  }

  insert(keys: BlockKeys, slot: WorkerSlot): void {
    const known = this.#matcher.known(keys, slot);
    this.lastPlacedStamp = known === 0 ? 0 : this.#options.index.lastUse(keys.words, known - 1, slot);
    this.#send({ kind: PLACED, slot, first: known, second: 0, third: 0, fourth: 0 }, keys);
  }

  observe(slot: WorkerSlot, hit: ObservedHit, keys: () => BlockKeys): void {
    const { claimedTokens, cachedTokens, claimStamp, isFirm } = hit;
    this.#send(
      {
        kind: OBSERVED,
        slot,
        first: claimedTokens,
        second: cachedTokens,
        third: claimStamp,
        fourth: isFirm ? 1 : 0,
      },
      // Who found what was claimed has nothing to say about the prompt.
      claimedTokens === cachedTokens ? undefined : keys(),
    );
  }

  #send(
    record: {
      readonly kind: number;
      readonly slot: WorkerSlot;
      readonly first: number;
      readonly second: number;
      readonly third: number;
      readonly fourth: number;
    },
    keys: BlockKeys | undefined,
  ): void {
    const { ring, wake } = this.#options;
    const count = keys?.count ?? 0;
    if (!ring.begin(HEAD_WORDS + 2 * count)) {
      return;
    }
    ring.put(record.kind);
    ring.put(record.slot);
    ring.put(record.first);
    ring.put(record.second);
    ring.put(record.third);
    ring.put(record.fourth);
    ring.put(count);
    ring.put(keys?.blockUnits ?? 0);
    ring.put(keys?.totalUnits ?? 0);
    ring.put(keys?.isText === true ? 1 : 0);
    if (keys !== undefined) {
      ring.putAll(keys.words, 2 * count);
    }
    if (ring.end()) {
      wake();
    }
  }
}

/** Brings what request threads have sent into the fleet's caches. */
export class PlacementReceiver {
  readonly #ring: RingReader;
  readonly #caches: EngineCaches;
  readonly #record: Int32Array;
  readonly #keys: {
    words: Int32Array;
    count: number;
    blockUnits: number;
    totalUnits: number;
    isText: boolean;
  };

  constructor(ring: RingReader, caches: EngineCaches) {
    this.#ring = ring;
    this.#caches = caches;
    this.#record = new Int32Array(ring.longest);
    this.#keys = {
      words: this.#record.subarray(HEAD_WORDS),
      count: 0,
      blockUnits: 0,
      totalUnits: 0,
      isText: false,
    };
  }

  /** Applies what there is, at most so many records. @returns how many it was */
  receive(most: number): number {
    let received = 0;
    while (received < most && this.#ring.read(this.#record) >= HEAD_WORDS) {
      received += 1;
      this.#apply();
    }
    return received;
  }

  /** Asks to be woken by the next record; false when there is one already. */
  rest(): boolean {
    return this.#ring.rest();
  }

  #apply(): void {
    const record = this.#record;
    const keys = this.#keys;
    const slot = record[1]!;
    keys.count = record[6]!;
    keys.blockUnits = record[7]!;
    keys.totalUnits = record[8]!;
    keys.isText = record[9] === 1;
    if (record[0] === PLACED) {
      this.#caches.insertKnown(keys, slot, record[2]!);
      return;
    }
    this.#caches.observe(
      slot,
      {
        claimedTokens: record[2]!,
        cachedTokens: record[3]!,
        claimStamp: record[4]!,
        isFirm: record[5] === 1,
      },
      () => keys,
    );
  }
}
