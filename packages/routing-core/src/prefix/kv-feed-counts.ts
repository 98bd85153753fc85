/** Counted since the creation of a feed. */
export interface KvFeedCounts {
  batches: number;
  duplicates: number;
  /** Times that batches were missing. */
  gaps: number;
  /** Gaps that were closed by a replay. */
  repairs: number;
  restarts: number;
}
