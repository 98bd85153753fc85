import { type BlockHash, blockHash } from "./block-hash.ts";
import { BlockPool } from "./block-pool.ts";
import type { KvEvent } from "./kv-events.ts";
import type { ScheduledSequence } from "./scheduled-sequence.ts";

/** Sizes of one engine rank; all counts. */
export interface SchedulerLimits {
  readonly blockSize: number;
  /** KV blocks, one of which is a placeholder. */
  readonly kvBlocks: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
}

/** What one step computes. */
export interface Step {
  /** Tokens of prompts (or of preempted sequences) computed in this step. */
  readonly prefillTokens: number;
  /** Sequences that decode one token. */
  readonly decodeSequences: number;
}

interface OpenStep {
  prefillTokens: number;
  decodeSequences: number;
  budget: number;
}

/**
 * vLLM's scheduler in one object: every step first gives each running sequence its next tokens, then admits waiting
 * ones in order of arrival, all within a token budget, so that long prompts are computed in chunks beside decoding.
 * When blocks run out, the youngest running sequence is preempted and computed anew later.
 */
export class Scheduler {
  readonly limits: SchedulerLimits;
  readonly #pool: BlockPool;
  readonly #rootHash: BlockHash;
  readonly #waiting: ScheduledSequence[] = [];
  readonly #running: ScheduledSequence[] = [];
  #events: KvEvent[] = [];

  /** `rootHash` is the parent of every first block; engines differ in it. */
  constructor(limits: SchedulerLimits, rootHash: BlockHash) {
    this.limits = limits;
    this.#rootHash = rootHash;
    this.#pool = new BlockPool(limits.kvBlocks, {
      blockRemoved: (hash) => this.#events.push({ kind: "removed", hashes: [hash] }),
    });
  }

  get runningCount(): number {
    return this.#running.length;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Prompt tokens of waiting sequences. */
  get waitingTokens(): number {
    return this.#waiting.reduce((sum, sequence) => sum + sequence.tokens.length, 0);
  }

  /** Part of the KV blocks in use, 0 to 1. */
  get kvUsage(): number {
    return this.#pool.usage;
  }

  /** Sequences that this step's tokens complete: each gets one new token from the caller. */
  readonly sampling: ScheduledSequence[] = [];

  add(sequence: ScheduledSequence): void {
    this.#waiting.push(sequence);
  }

  /** Takes a sequence out, finished or aborted; its blocks stay cached until they are needed. */
  remove(sequence: ScheduledSequence): void {
    const running = this.#running.indexOf(sequence);
    if (running >= 0) this.#running.splice(running, 1);
    else {
      const waiting = this.#waiting.indexOf(sequence);
      if (waiting < 0) return;
      this.#waiting.splice(waiting, 1);
    }
    this.#release(sequence);
  }

  /** Plans and books one step; `undefined` when there is nothing to compute. `sampling` holds its results. */
  step(): Step | undefined {
    this.sampling.length = 0;
    const step: OpenStep = { prefillTokens: 0, decodeSequences: 0, budget: this.limits.maxNumBatchedTokens };
    const preempted = this.#continueRunning(step);
    if (!preempted) this.#admitWaiting(step);
    return step.budget === this.limits.maxNumBatchedTokens ? undefined : step;
  }

  /** Changes of the prefix cache since the last call. */
  takeEvents(): KvEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }

  /** Forgets the prefix cache; refused (false) while sequences run. */
  clearCache(): boolean {
    const cleared = this.#pool.clear();
    if (cleared) this.#events.push({ kind: "cleared" });
    return cleared;
  }

  #continueRunning(step: OpenStep): boolean {
    let preempted = false;
    for (let index = 0; index < this.#running.length && step.budget > 0; index++) {
      const sequence = this.#running[index];
      if (sequence === undefined) break;
      const tokens = Math.min(sequence.tokens.length - sequence.computedTokens, step.budget);
      while (this.#missingBlocks(sequence, tokens) > this.#pool.freeBlocks) {
        preempted = true;
        const victim = this.#running.pop();
        if (victim === undefined) break;
        this.#release(victim);
        this.#waiting.unshift(victim);
        if (victim === sequence) return true;
      }
      this.#compute(sequence, tokens, step);
    }
    return preempted;
  }

  #admitWaiting(step: OpenStep): void {
    while (step.budget > 0 && this.#running.length < this.limits.maxNumSeqs) {
      const sequence = this.#waiting[0];
      if (sequence === undefined) return;
      const hits = sequence.readsPrefixCache ? this.#cachedPrefix(sequence) : [];
      const cachedTokens = hits.length * this.limits.blockSize;
      const tokens = Math.min(sequence.tokens.length - cachedTokens, step.budget);
      const needed = Math.ceil((cachedTokens + tokens) / this.limits.blockSize) - hits.length;
      const freeHits = hits.filter((block) => this.#pool.isFree(block)).length;
      if (needed + freeHits > this.#pool.freeBlocks) return;
      this.#waiting.shift();
      this.#running.push(sequence);
      for (const block of hits) this.#pool.use(block);
      sequence.blocks.push(...hits);
      sequence.registeredBlocks = hits.length;
      sequence.computedTokens = cachedTokens;
      if (sequence.cachedTokens < 0) sequence.cachedTokens = cachedTokens;
      this.#compute(sequence, tokens, step);
    }
  }

  #compute(sequence: ScheduledSequence, tokens: number, step: OpenStep): void {
    for (let missing = this.#missingBlocks(sequence, tokens); missing > 0; missing--) {
      sequence.blocks.push(this.#pool.take());
    }
    sequence.computedTokens += tokens;
    step.budget -= tokens;
    if (tokens === 1 && sequence.tokens.length > sequence.promptTokens) step.decodeSequences++;
    else step.prefillTokens += tokens;
    this.#registerFullBlocks(sequence);
    if (sequence.computedTokens === sequence.tokens.length) this.sampling.push(sequence);
  }

  #missingBlocks(sequence: ScheduledSequence, tokens: number): number {
    return Math.ceil((sequence.computedTokens + tokens) / this.limits.blockSize) - sequence.blocks.length;
  }

  /** Cached blocks of the sequence's beginning. At least the last token is computed: its result is needed. */
  #cachedPrefix(sequence: ScheduledSequence): number[] {
    const blocks: number[] = [];
    const limit = Math.floor((sequence.tokens.length - 1) / this.limits.blockSize);
    for (let index = 0; index < limit; index++) {
      const block = this.#pool.find(this.#hashOf(sequence, index));
      if (block < 0) break;
      blocks.push(block);
    }
    return blocks;
  }

  #registerFullBlocks(sequence: ScheduledSequence): void {
    const full = Math.floor(sequence.computedTokens / this.limits.blockSize);
    const first = sequence.registeredBlocks;
    if (full <= first) return;
    const hashes: BlockHash[] = [];
    for (let index = first; index < full; index++) {
      const hash = this.#hashOf(sequence, index);
      hashes.push(hash);
      this.#pool.register(sequence.blocks[index] ?? 0, hash);
    }
    sequence.registeredBlocks = full;
    this.#events.push({
      kind: "stored",
      hashes,
      parent: first === 0 ? undefined : this.#hashOf(sequence, first - 1),
      tokenIds: sequence.tokens.slice(first * this.limits.blockSize, full * this.limits.blockSize),
    });
  }

  #hashOf(sequence: ScheduledSequence, index: number): BlockHash {
    for (let next = sequence.hashes.length; next <= index; next++) {
      const parent = next === 0 ? this.#rootHash : (sequence.hashes[next - 1] ?? this.#rootHash);
      const start = next * this.limits.blockSize;
      sequence.hashes.push(blockHash(parent, sequence.tokens, { start, size: this.limits.blockSize }));
    }
    return sequence.hashes[index] ?? this.#rootHash;
  }

  #release(sequence: ScheduledSequence): void {
    this.#pool.release(sequence.blocks);
    sequence.blocks.length = 0;
    sequence.registeredBlocks = 0;
    sequence.computedTokens = 0;
  }
}
