/** What an engine told about one prompt. */
export interface ObservedHit {
  /** Tokens of the prompt that were believed to be cached when it was placed. */
  readonly claimedTokens: number;
  /** Tokens that the engine found. */
  readonly cachedTokens: number;
  /** Stamp of the claim's deepest block before this placement (`EngineCaches.lastPlacedStamp`). */
  readonly claimStamp: number;
  /**
   * True when every earlier prompt of the slot had been computed by then: else the claim may have counted on one that was
   * still waiting, and says nothing.
   */
  readonly isFirm: boolean;
}

/** So many claims in a row without any hit mean an engine that has begun anew. */
const MISSES_OF_RESTART = 3;

/** Learns from what engines report back, where no events tell. One per engine. */
export class HitFeedback {
  #misses = 0;

  /**
   * `forgotten`: what was last used before the claim is gone too, since engines give up the least recently used first.
   * `restarted`: nothing that was claimed lately was there.
   */
  judge(hit: ObservedHit, engineBlockTokens: number): "right" | "forgotten" | "restarted" {
    const { claimedTokens, cachedTokens, isFirm } = hit;
    if (cachedTokens > 0) {
      this.#misses = 0;
    }
    if (!isFirm || claimedTokens - cachedTokens < engineBlockTokens) {
      return "right";
    }
    if (cachedTokens > 0) {
      return "forgotten";
    }
    this.#misses += 1;
    if (this.#misses < MISSES_OF_RESTART) {
      return "forgotten";
    }
    this.#misses = 0;
    return "restarted";
  }
}
