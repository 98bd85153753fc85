import type { CacheTraits } from "./cache-matcher.ts";
import type { EngineBlocks } from "./engine-blocks.ts";
import type { KvMedium } from "./kv-event.ts";
import type { PrefixIndex } from "./prefix-index.ts";
import type { Speculations } from "./speculations.ts";
import type { Clock } from "../clock.ts";

/** What a cache shares with those of the other engines. */
export interface EngineCacheContext {
  readonly index: PrefixIndex;
  /** Told what lookups must know. */
  readonly traits: CacheTraits;
  readonly speculations: Speculations;
  /** Tokens in a block of the index. */
  readonly blockTokens: number;
  /** Scratch for the keys of the prompt that an event is about. */
  readonly words: Int32Array;
  /** Scratch for the keys of single blocks, which may be of other prompts: those that give way. */
  readonly blockWords: Int32Array;
  /** Bound of what is guessed of an engine, in blocks of the index; 0 for none. */
  readonly capacityBlocks: number;
  readonly clock: Clock;
  blocks(): EngineBlocks;
  /** A slot of the index for what lies outside device memory; -1 when none is left. */
  takeSlot(): number;
  giveSlotBack(slot: number): void;
}

/** The media, fastest first. */
export const KV_MEDIA: readonly KvMedium[] = ["device", "host", "storage"];

/** Hears of what an engine's claims come to. */
export interface ClaimListener {
  /** A block in device memory, in the index's own, is claimed from now on, or not any more. */
  claimed(isClaimed: boolean): void;
  /** A slower medium has a slot of its own from now on. */
  opened(): void;
}

/**
 * Keeps the index in step with the copies of blocks that one engine has in its media: a slot of the index for each medium
 * holds what is there or in a faster one. Slots beyond the device's are taken when the first block comes.
 */
export class KvClaims {
  readonly #slot: number;
  readonly #context: EngineCacheContext;
  readonly #listener: ClaimListener;
  /** Slots of the index that hold what is in a medium or a faster one; -1 where there is nothing of the sort. */
  readonly #levels = { device: 0, host: -1, storage: -1 };

  constructor(slot: number, context: EngineCacheContext, listener: ClaimListener) {
    this.#slot = slot;
    this.#context = context;
    this.#listener = listener;
    this.#levels.device = slot;
  }

  get hostSlot(): number {
    return this.#levels.host;
  }

  get storageSlot(): number {
    return this.#levels.storage;
  }

  /** Claims nothing any more. */
  clear(): void {
    for (const medium of KV_MEDIA) {
      if (this.#levels[medium] >= 0) {
        this.#context.index.clear(this.#levels[medium]);
      }
    }
  }

  /** Gives the slots back that were taken. */
  giveBack(): void {
    for (const medium of ["host", "storage"] as const) {
      if (this.#levels[medium] >= 0) {
        this.#context.giveSlotBack(this.#levels[medium]);
        this.#levels[medium] = -1;
      }
    }
  }

  /** A block's record gives way: it is not claimed any more. */
  dropped(head: number): void {
    for (const medium of KV_MEDIA) {
      if (this.#isPresent(head, medium)) {
        this.#claim(head, medium, false);
      }
    }
  }

  /** Counts a copy and keeps the index in step. */
  count(head: number, medium: KvMedium, by: 1 | -1): void {
    const blocks = this.#context.blocks();
    this.#openLevel(medium);
    const wasInDevice = this.#isPresent(head, "device");
    const wasInHost = this.#isPresent(head, "host");
    const wasInStorage = this.#isPresent(head, "storage");
    blocks.count(head, medium, by);
    this.#update(head, "device", wasInDevice);
    this.#update(head, "host", wasInHost);
    this.#update(head, "storage", wasInStorage);
  }

  #update(head: number, level: KvMedium, was: boolean): void {
    const isPresent = this.#isPresent(head, level);
    if (isPresent !== was) {
      this.#claim(head, level, isPresent);
    }
  }

  /** True when the block is in this medium or a faster one. */
  #isPresent(head: number, level: KvMedium): boolean {
    const blocks = this.#context.blocks();
    return (
      blocks.copies(head, "device") > 0 ||
      (level !== "device" && blocks.copies(head, "host") > 0) ||
      (level === "storage" && blocks.copies(head, "storage") > 0)
    );
  }

  #claim(head: number, level: KvMedium, isPresent: boolean): void {
    const { index, speculations, blockWords: words } = this.#context;
    const slot = this.#levels[level];
    if (slot < 0) {
      return;
    }
    const blocks = this.#context.blocks();
    for (let record = head; record >= 0; record = blocks.next(record)) {
      const block = blocks.position(record);
      blocks.writeKey(record, words);
      if (isPresent) {
        index.insertBlock(words, block, slot);
      } else {
        index.removeBlock(words, block, slot);
      }
      if (level === "device") {
        speculations.confirm(slot, words[2 * block]!, words[2 * block + 1]!);
        this.#listener.claimed(isPresent);
      }
    }
  }

  /** Takes slots of the index for a medium when its first block comes; without one the medium is not looked at. */
  #openLevel(medium: KvMedium): void {
    for (const level of ["host", "storage"] as const) {
      if (this.#levels[level] >= 0 || medium === "device" || (medium === "host" && level === "storage")) {
        continue;
      }
      const slot = this.#context.takeSlot();
      if (slot < 0) {
        return;
      }
      this.#context.index.clear(slot);
      this.#context.index.setCapacity(slot, 0);
      this.#levels[level] = slot;
      this.#context.blocks().forEach(this.#slot, (head) => {
        if (this.#isPresent(head, level)) {
          this.#claim(head, level, true);
        }
      });
      this.#listener.opened();
    }
  }
}
