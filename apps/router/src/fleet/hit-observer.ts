import type { BlockHasher, Generation, Ledger, PlacementCaches } from "@vllm-router/routing-core";

/** What is noted of a placement, until the engine tells what it found in its cache. */
export interface HitObservation {
  /** The engine's figure. Only the first one counts. */
  found(cachedTokens: number): void;
}

/** Compares what engines find in their caches with what was believed, and has the index learn from it. */
export class HitObserver {
  readonly #caches: PlacementCaches;
  readonly #ledger: Ledger;
  readonly #hasher: BlockHasher;

  constructor(options: {
    readonly caches: PlacementCaches;
    readonly ledger: Ledger;
    readonly hasher: BlockHasher;
  }) {
    this.#caches = options.caches;
    this.#ledger = options.ledger;
    this.#hasher = options.hasher;
  }

  /** To be asked before a decision is settled: has the slot computed all earlier prompts? */
  isFirm(slot: number): boolean {
    return this.#ledger.prefillTokens(slot) === 0;
  }

  /** To be called right after a decision was settled. */
  settled(placed: {
    readonly slot: number;
    readonly generation: Generation;
    readonly claimedTokens: number;
    readonly isFirm: boolean;
  }): HitObservation {
    const { slot, generation, claimedTokens, isFirm } = placed;
    const { tokenIds } = generation;
    const claimStamp = this.#caches.lastPlacedStamp;
    let isTold = false;
    return {
      found: (cachedTokens) => {
        if (!isTold && tokenIds !== undefined) {
          isTold = true;
          this.#caches.observe(slot, { claimedTokens, cachedTokens, claimStamp, isFirm }, () =>
            this.#hasher.hashTokens(tokenIds, generation),
          );
        }
      },
    };
  }
}
