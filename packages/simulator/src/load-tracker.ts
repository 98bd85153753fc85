/** Figures of one rank that the servicer derives from the requests it forwards. */
export interface LoadTracker {
  /** A sequence gave its first token: `cached` of its `prompt` tokens came from the prefix cache. */
  started(prompt: number, cached: number): void;
  generated(tokens: number): void;
  /** Tokens per second over the last two seconds. */
  genThroughput(): number;
  /** Cached over prompt tokens of the last 64 sequences that started. */
  cacheHitRate(): number;
}

const windowMs = 2000;
const bucketMs = 100;
const buckets = windowMs / bucketMs;
const hitSamples = 64;

/** A tracker over a clock in milliseconds; memory is constant. */
export function createLoadTracker(monotonicMs: () => number): LoadTracker {
  const counts = new Float64Array(buckets);
  const bucketTimes = new Float64Array(buckets).fill(-1);
  const prompts: number[] = [];
  const cached: number[] = [];
  return {
    started(prompt, cachedTokens) {
      prompts.push(prompt);
      cached.push(cachedTokens);
      if (prompts.length > hitSamples) {
        prompts.shift();
        cached.shift();
      }
    },
    generated(tokens) {
      const time = Math.floor(monotonicMs() / bucketMs);
      const bucket = time % buckets;
      if (bucketTimes[bucket] !== time) {
        bucketTimes[bucket] = time;
        counts[bucket] = 0;
      }
      counts[bucket] = (counts[bucket] ?? 0) + tokens;
    },
    genThroughput() {
      const oldest = Math.floor(monotonicMs() / bucketMs) - buckets;
      let sum = 0;
      for (let bucket = 0; bucket < buckets; bucket++) {
        if ((bucketTimes[bucket] ?? -1) > oldest) sum += counts[bucket] ?? 0;
      }
      return sum / (windowMs / 1000);
    },
    cacheHitRate() {
      const total = prompts.reduce((sum, tokens) => sum + tokens, 0);
      return total === 0 ? 0 : cached.reduce((sum, tokens) => sum + tokens, 0) / total;
    },
  };
}
