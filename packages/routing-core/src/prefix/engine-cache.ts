import { type ChainState, extendChain, startTokenChain } from "./block-chain.ts";
import type { BlockKeys } from "./block-keys.ts";
import type { CacheTraits } from "./cache-matcher.ts";
import type { EngineBlocks } from "./engine-blocks.ts";
import { mixExtraKeys, saltOf } from "./extra-keys.ts";
import { HitFeedback, type ObservedHit } from "./hit-feedback.ts";
import type { EngineHashes, KvBlocksRemoved, KvBlocksStored, KvEvent, KvMedium } from "./kv-event.ts";
import { LayerGroups } from "./layer-groups.ts";
import type { PrefixIndex } from "./prefix-index.ts";
import type { Speculations } from "./speculations.ts";

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
  blocks(): EngineBlocks;
  /** A slot of the index for what lies outside device memory; -1 when none is left. */
  takeSlot(): number;
  giveSlotBack(slot: number): void;
}

/** What went wrong with a cache's events, counted since its creation. */
export interface EngineCacheCounts {
  /** Blocks that are claimed. */
  stored: number;
  removed: number;
  /** Blocks whose predecessor is not known, so that nobody can tell which prompt they belong to. */
  orphans: number;
  /** Blocks whose size is no multiple of the index's. */
  misfits: number;
  /** Blocks of groups that say nothing about a prompt's prefix. */
  otherGroups: number;
}

const MEDIA: readonly KvMedium[] = ["device", "host", "storage"];

/**
 * What one rank of an engine holds. As long as nothing was told it is guessed from placements; from the first event on it
 * is what the events say, plus what was placed just now.
 */
export class EngineCache {
  readonly slot: number;
  readonly counts: EngineCacheCounts = { stored: 0, removed: 0, orphans: 0, misfits: 0, otherGroups: 0 };
  readonly #context: EngineCacheContext;
  readonly #groups = new LayerGroups();
  readonly #chain: ChainState = { low: 0, high: 0 };
  readonly #feedback = new HitFeedback();
  /** Slots of the index that hold what is in a medium or a faster one; -1 where there is nothing of the sort. */
  readonly #levels = { device: 0, host: -1, storage: -1 };
  #capacityBlocks: number;
  #isTold = false;
  #toldBlocks = 0;
  #per = 1;

  constructor(slot: number, context: EngineCacheContext) {
    this.slot = slot;
    this.#context = context;
    this.#levels.device = slot;
    this.#capacityBlocks = context.capacityBlocks;
    this.#tellTraits();
  }

  /** True while events say what the engine holds. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /** Blocks in device memory that the engine told, in the index's own. */
  get toldBlocks(): number {
    return this.#toldBlocks;
  }

  /** Blocks of the index in one block of the engine. */
  get blocksPerEngineBlock(): number {
    return this.#per;
  }

  /** Sets the engine's block size, where it is known before the first event; one that does not fit is ignored. */
  setBlockTokens(tokens: number): void {
    const per = tokens / this.#context.blockTokens;
    if (Number.isInteger(per) && per >= 1) {
      this.#per = per;
      this.#tellTraits();
    }
  }

  /** Bounds what is guessed, in blocks of the index, 0 for no bound. Of no effect while events tell. */
  setCapacity(blocks: number): void {
    this.#capacityBlocks = blocks;
    if (!this.#isTold) {
      this.#context.index.setCapacity(this.slot, blocks);
    }
  }

  /** Events are to be believed from now on; what was guessed is forgotten. */
  beginTelling(): void {
    if (!this.#isTold) {
      this.#isTold = true;
      this.clear();
      this.#context.index.setCapacity(this.slot, 0);
    }
  }

  /** No more events: all is forgotten, and guessed from now on. */
  endTelling(): void {
    if (this.#isTold) {
      this.clear();
      this.#isTold = false;
      this.#context.index.setCapacity(this.slot, this.#capacityBlocks);
    }
  }

  /** Applies one event. */
  apply(event: KvEvent): void {
    switch (event.kind) {
      case "stored":
        if (this.#groups.admitsStored(event)) {
          this.#store(event);
        } else {
          this.counts.otherGroups += event.hashes.length / 2;
        }
        return;
      case "removed":
        if (this.#groups.admitsRemoved(event)) {
          this.#remove(event);
        } else {
          this.counts.otherGroups += event.hashes.length / 2;
        }
        return;
      case "cleared":
        this.clear();
    }
  }

  /** Forgets what the engine holds. */
  clear(): void {
    const { index, speculations } = this.#context;
    for (const medium of MEDIA) {
      if (this.#levels[medium] >= 0) {
        index.clear(this.#levels[medium]);
      }
    }
    speculations.forget(this.slot);
    this.#toldBlocks = 0;
    if (this.#isTold) {
      this.#context.blocks().clear(this.slot);
    }
  }

  /** Forgets everything and gives back what it has taken. */
  forget(): void {
    this.clear();
    for (const medium of ["host", "storage"] as const) {
      if (this.#levels[medium] >= 0) {
        this.#context.giveSlotBack(this.#levels[medium]);
        this.#levels[medium] = -1;
      }
    }
    this.#isTold = false;
    this.#per = 1;
    this.#tellTraits();
  }

  /** A block's record gives way: it is not claimed any more. */
  dropped(head: number): void {
    for (const medium of MEDIA) {
      if (this.#isPresent(head, medium)) {
        this.#claim(head, medium, false);
      }
    }
  }

  /**
   * An engine told how much of a prompt it found. Found more than claimed: it holds that, whether told or not. Found less:
   * what was last used before the claim is gone as well. A string of claims without any hit, where no events tell, is an
   * engine that has begun anew. Returns true when everything was forgotten.
   */
  observe(hit: ObservedHit, keys: () => BlockKeys): boolean {
    const { index, speculations } = this.#context;
    if (this.#isTold) {
      if (hit.cachedTokens > hit.claimedTokens) {
        const { words, count, blockUnits } = keys();
        const held = Math.min(count, Math.floor(hit.cachedTokens / blockUnits));
        for (let block = 0; block < held; block += 1) {
          index.insertBlock(words, block, this.slot);
          speculations.confirm(this.slot, words[2 * block]!, words[2 * block + 1]!);
        }
      }
    }
    const verdict = this.#feedback.judge(hit, this.#per * this.#context.blockTokens);
    if (verdict === "right") {
      return false;
    }
    if (verdict === "forgotten" || this.#isTold) {
      index.expire(this.slot, hit.claimStamp);
      return false;
    }
    this.clear();
    index.insert(keys(), this.slot);
    return true;
  }

  #store(event: KvBlocksStored): void {
    const { hashes, tokenIds, medium } = event;
    const count = hashes.length / 2;
    if (tokenIds.length === 0) {
      this.#storeKnown(hashes, medium);
      return;
    }
    const { blockTokens, words } = this.#context;
    const engineTokens = tokenIds.length / count;
    const per = engineTokens / blockTokens;
    if (!Number.isInteger(per)) {
      this.counts.misfits += count;
      return;
    }
    if (per > this.#per) {
      this.#per = per;
      this.#tellTraits();
    }
    let position = this.#startChain(event);
    if (position < 0) {
      this.counts.orphans += count;
      return;
    }
    this.#context.index.tick();
    const blocks = this.#context.blocks();
    for (let at = 0; at < count && 2 * (position + per) <= words.length; at += 1) {
      mixExtraKeys(this.#chain, event, at);
      extendChain(this.#chain, {
        units: tokenIds,
        start: at * engineTokens,
        blockUnits: blockTokens,
        count: per,
        words,
        firstBlock: position,
      });
      let head = blocks.find(this.slot, hashes, at);
      if (head < 0) {
        head = blocks.add({ slot: this.slot, hashes, at, position, count: per, words });
      }
      this.#count(head, medium, 1);
      position += per;
    }
  }

  /** Blocks that are kept in another medium too. */
  #storeKnown(hashes: EngineHashes, medium: KvMedium): void {
    const blocks = this.#context.blocks();
    for (let at = 0; at < hashes.length / 2; at += 1) {
      const head = blocks.find(this.slot, hashes, at);
      if (head < 0) {
        this.counts.orphans += 1;
      } else {
        this.#count(head, medium, 1);
      }
    }
  }

  #remove({ hashes, medium }: KvBlocksRemoved): void {
    const blocks = this.#context.blocks();
    for (let at = 0; at < hashes.length / 2; at += 1) {
      const head = blocks.find(this.slot, hashes, at);
      if (head >= 0) {
        this.#count(head, medium, -1);
        if (!MEDIA.some((each) => blocks.copies(head, each) > 0)) {
          blocks.remove(head);
        }
      }
    }
  }

  /** Sets the chain to the end of the event's parent, or to a prompt's start; index of the next block, -1 when unknown. */
  #startChain(event: KvBlocksStored): number {
    const { parent, loraName } = event;
    if (parent === undefined) {
      startTokenChain(this.#chain, { loraName, cacheSalt: saltOf(event) });
      return 0;
    }
    const blocks = this.#context.blocks();
    const head = blocks.find(this.slot, parent, 0);
    if (head < 0) {
      return -1;
    }
    const last = blocks.readEnd(head, this.#chain);
    blocks.writeKey(last, this.#context.words);
    return blocks.position(last) + 1;
  }

  /** Counts a copy and keeps the index in step. */
  #count(head: number, medium: KvMedium, by: 1 | -1): void {
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
        this.counts[isPresent ? "stored" : "removed"] += 1;
        this.#toldBlocks += isPresent ? 1 : -1;
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
      this.#context.blocks().forEach(this.slot, (head) => {
        if (this.#isPresent(head, level)) {
          this.#claim(head, level, true);
        }
      });
      this.#tellTraits();
    }
  }

  #tellTraits(): void {
    const { host, storage } = this.#levels;
    this.#context.traits.set(this.slot, { per: this.#per, host, storage });
  }
}
