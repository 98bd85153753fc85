import { type ChainState, extendChain, startTokenChain } from "./block-chain.ts";
import type { BlockKeys } from "./block-keys.ts";
import { mixExtraKeys, saltOf } from "./extra-keys.ts";
import { HitFeedback, type ObservedHit } from "./hit-feedback.ts";
import type { EngineHashes, KvBlocksRemoved, KvBlocksStored, KvEvent, KvMedium } from "./kv-event.ts";
import { type EngineCacheContext, KV_MEDIA, KvClaims } from "./kv-claims.ts";
import type { KvFeedCounts } from "./kv-feed-counts.ts";
import { LayerGroups } from "./layer-groups.ts";

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
  /** Times that the engine said it had emptied its cache. */
  cleared: number;
}

/**
 * What one rank of an engine holds. As long as nothing was told it is guessed from placements; from the first event on it
 * is what the events say, plus what was placed just now.
 */
export class EngineCache {
  readonly slot: number;
  readonly counts: EngineCacheCounts = {
    stored: 0,
    removed: 0,
    orphans: 0,
    misfits: 0,
    otherGroups: 0,
    cleared: 0,
  };
  /** Instant of the last event, by the caches' clock; -Infinity before the first. */
  lastEventAtMs = -Infinity;
  /** Counts of the feed that brings the events; undefined before there was one. */
  feed: Readonly<KvFeedCounts> | undefined;
  readonly #context: EngineCacheContext;
  readonly #groups = new LayerGroups();
  readonly #chain: ChainState = { low: 0, high: 0 };
  readonly #feedback = new HitFeedback();
  readonly #claims: KvClaims;
  #capacityBlocks: number;
  #isTold = false;
  #toldBlocks = 0;
  #per = 1;
  #misfitTokens = 0;

  constructor(slot: number, context: EngineCacheContext) {
    this.slot = slot;
    this.#context = context;
    this.#claims = new KvClaims(slot, context, {
      claimed: (isClaimed) => {
        this.counts[isClaimed ? "stored" : "removed"] += 1;
        this.#toldBlocks += isClaimed ? 1 : -1;
      },
      opened: () => this.#tellTraits(),
    });
    this.#capacityBlocks = context.capacityBlocks;
    this.#tellTraits();
  }

  /** True while events say what the engine holds. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /**
   * Size of the engine's blocks when it is no multiple of the index's, else 0: its events cannot be followed, and what it
   * holds is guessed as if it sent none.
   */
  get misfitTokens(): number {
    return this.#misfitTokens;
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

  /** Events are to be believed from now on, these first; what was guessed is forgotten, unless their blocks do not fit. */
  beginTelling(events: readonly KvEvent[] = []): void {
    for (const event of events) {
      if (event.kind === "stored" && !Number.isInteger(this.#blocksPer(event))) {
        // Nothing it tells can be used, so what was guessed stays.
        this.#misfitTokens = event.tokenIds.length / (event.hashes.length / 2);
        this.endTelling();
        return;
      }
    }
    if (!this.#isTold && this.#misfitTokens === 0) {
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
    this.lastEventAtMs = this.#context.clock();
    if (this.#misfitTokens > 0) {
      this.counts.misfits += event.kind === "cleared" ? 0 : event.hashes.length / 2;
      return;
    }
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
        this.counts.cleared += 1;
        this.clear();
    }
  }

  /** Forgets what the engine holds. */
  clear(): void {
    this.#claims.clear();
    this.#context.speculations.forget(this.slot);
    this.#toldBlocks = 0;
    if (this.#isTold) {
      this.#context.blocks().clear(this.slot);
    }
  }

  /** Forgets everything and gives back what it has taken. */
  forget(): void {
    this.clear();
    this.#claims.giveBack();
    this.#isTold = false;
    this.#per = 1;
    this.#tellTraits();
  }

  /** A block's record gives way: it is not claimed any more. */
  dropped(head: number): void {
    this.#claims.dropped(head);
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
    const per = this.#blocksPer(event);
    if (!Number.isInteger(per)) {
      this.counts.misfits += count;
      this.#misfitTokens = engineTokens;
      this.endTelling();
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
      this.#claims.count(head, medium, 1);
      position += per;
    }
  }

  /** Blocks of the index in one of the event's, not always whole; 0 when it has no tokens. */
  #blocksPer({ hashes, tokenIds }: KvBlocksStored): number {
    return hashes.length === 0 ? 0 : tokenIds.length / (hashes.length / 2) / this.#context.blockTokens;
  }

  /** Blocks that are kept in another medium too. */
  #storeKnown(hashes: EngineHashes, medium: KvMedium): void {
    const blocks = this.#context.blocks();
    for (let at = 0; at < hashes.length / 2; at += 1) {
      const head = blocks.find(this.slot, hashes, at);
      if (head < 0) {
        this.counts.orphans += 1;
      } else {
        this.#claims.count(head, medium, 1);
      }
    }
  }

  #remove({ hashes, medium }: KvBlocksRemoved): void {
    const blocks = this.#context.blocks();
    for (let at = 0; at < hashes.length / 2; at += 1) {
      const head = blocks.find(this.slot, hashes, at);
      if (head >= 0) {
        this.#claims.count(head, medium, -1);
        if (!KV_MEDIA.some((each) => blocks.copies(head, each) > 0)) {
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

  #tellTraits(): void {
    const { hostSlot: host, storageSlot: storage } = this.#claims;
    this.#context.traits.set(this.slot, { per: this.#per, host, storage });
  }
}
