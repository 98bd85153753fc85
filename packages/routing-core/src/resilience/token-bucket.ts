/** A bucket that refills with time. Its clock is the caller's: every call says what time it is. */
export interface TokenBucket {
  /** Takes one token when there is one. */
  tryTake(nowMs: number): boolean;
  /** When the next whole token will be there; `nowMs` when there is one already, Infinity when none will ever be. */
  nextTokenAtMs(nowMs: number): number;
  /** Puts tokens in, up to the capacity. */
  add(tokens: number): void;
}

/** Options of {@link createTokenBucket}. */
export interface TokenBucketOptions {
  readonly capacity: number;
  readonly refillPerSecond: number;
  /** Instant from which refilling counts. */
  readonly startAtMs: number;
}

// A token that is missing by a rounding error is there.
const ROUNDING = 1e-9;

/** Creates a full bucket. */
export function createTokenBucket(options: TokenBucketOptions): TokenBucket {
  const { capacity, refillPerSecond } = options;
  let tokens = capacity;
  let filledAtMs = options.startAtMs;
  const refill = (nowMs: number): void => {
    if (nowMs > filledAtMs) {
      tokens = Math.min(capacity, tokens + ((nowMs - filledAtMs) * refillPerSecond) / 1000);
      filledAtMs = nowMs;
    }
  };
  return {
    tryTake(nowMs) {
      refill(nowMs);
      if (tokens < 1 - ROUNDING) {
        return false;
      }
      tokens = Math.max(0, tokens - 1);
      return true;
    },
    nextTokenAtMs(nowMs) {
      refill(nowMs);
      if (tokens >= 1 - ROUNDING) {
        return nowMs;
      }
      return refillPerSecond > 0 && capacity >= 1
        ? nowMs + Math.ceil(((1 - tokens) / refillPerSecond) * 1000)
        : Infinity;
    },
    add(more) {
      tokens = Math.min(capacity, tokens + more);
    },
  };
}
