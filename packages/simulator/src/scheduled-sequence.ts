import type { BlockHash } from "./block-hash.ts";

/** What the scheduler keeps of one sequence. */
export interface ScheduledSequence {
  /** Prompt and output. */
  readonly tokens: number[];
  readonly promptTokens: number;
  /** False when every prompt position must be computed (prompt logprobs). */
  readonly readsPrefixCache: boolean;
  /** Prompt tokens found in the prefix cache when the sequence first ran; -1 before. */
  cachedTokens: number;
  computedTokens: number;
  registeredBlocks: number;
  readonly blocks: number[];
  readonly hashes: BlockHash[];
}

/** The scheduler's part of a new sequence. */
export function scheduledSequence(prompt: readonly number[], readsPrefixCache: boolean): ScheduledSequence {
  return {
    tokens: [...prompt],
    promptTokens: prompt.length,
    readsPrefixCache,
    cachedTokens: -1,
    computedTokens: 0,
    registeredBlocks: 0,
    blocks: [],
    hashes: [],
  };
}
