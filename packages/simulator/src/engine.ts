import type { Clock } from "./clock.ts";
import { EngineRank, type SequenceSink } from "./engine-rank.ts";
import type { Faults } from "./faults.ts";
import { GrpcStatusError } from "./grpc-status.ts";
import type { KvEvent } from "./kv-events.ts";
import type { Model } from "./model.ts";
import { refuse } from "./sampling.ts";
import type { SchedulerLimits } from "./scheduler.ts";
import type { Sequence } from "./sequence.ts";
import type { StepTiming } from "./step-timing.ts";
import { TokenModel } from "./token-model.ts";

/** Sequences that may wait in a rank; vLLM has no bound. */
const maxWaitingSequences = 65_536;

/** Settings of one engine life. */
export interface EngineOptions {
  readonly model: Model;
  readonly seed: number;
  readonly limits: SchedulerLimits;
  readonly maxModelLen: number;
  readonly maxLogprobs: number;
  readonly timing: StepTiming;
  readonly dataParallelSize: number;
  readonly clock: Clock;
  readonly faults: Faults;
  /** Parent of every first KV block; differs between engines. */
  readonly kvRootHash: bigint;
}

/** Hears what the engine does; every method is called synchronously. */
export interface EngineObserver {
  kvEvents(rank: number, events: readonly KvEvent[]): void;
  /** `die-after-tokens` was reached. */
  died(): void;
}

/** A request inside the engine: its sequences on one rank. */
export interface EngineRequest {
  readonly id: string;
  readonly rank: number;
  readonly sequences: readonly Sequence[];
  readonly sink: SequenceSink;
  /** The Abort call ended it. */
  aborted(): void;
}

/** The engine of one life of the process: ranks, running requests, counters. Knows no protocol. */
export class Engine {
  readonly options: EngineOptions;
  readonly tokenModel: TokenModel;
  readonly ranks: readonly EngineRank[];
  readonly #observer: EngineObserver;
  readonly #requests = new Map<string, Set<EngineRequest>>();
  /** Tokens generated in this life. */
  generatedTokens = 0;

  constructor(options: EngineOptions, observer: EngineObserver) {
    this.options = options;
    this.#observer = observer;
    this.tokenModel = new TokenModel(options.model.vocabulary, options.seed);
    this.ranks = Array.from(
      { length: options.dataParallelSize },
      (_, rank) =>
        new EngineRank(rank, {
          limits: options.limits,
          rootHash: options.kvRootHash + BigInt(rank),
          clock: options.clock,
          timing: () => scaled(options.timing, options.faults.slowFactor),
          isHanging: () => options.faults.isHanging,
          kvEvents: (source, events) => observer.kvEvents(source, events),
          stepEnded: (tokens) => this.#stepEnded(tokens),
        }),
    );
  }

  /** Requests that run or wait. */
  get requestCount(): number {
    let count = 0;
    for (const sameId of this.#requests.values()) count += sameId.size;
    return count;
  }

  /**
   * The rank of a new request: the pinned one, else the least loaded (vLLM weighs waiting requests fourfold).
   * @throws GrpcStatusError INVALID_ARGUMENT
   */
  chooseRank(pinned: number | undefined): number {
    const count = this.ranks.length;
    if (pinned !== undefined) {
      if (pinned < 0 || pinned >= count) {
        refuse(`data_parallel_rank ${pinned} is out of range [0, ${count}).`);
      }
      return pinned;
    }
    let best = 0;
    let bestScore = Infinity;
    for (const { rank, waitingCount, runningCount } of this.ranks) {
      const score = waitingCount * 4 + runningCount;
      if (score < bestScore) {
        best = rank;
        bestScore = score;
      }
    }
    return best;
  }

  /**
   * Refuses more work when the waiting queue of a rank is full.
   * @throws GrpcStatusError RESOURCE_EXHAUSTED
   */
  checkRoom(rank: number, sequences: number): void {
    if ((this.ranks[rank]?.waitingCount ?? 0) + sequences <= maxWaitingSequences) return;
    throw new GrpcStatusError("RESOURCE_EXHAUSTED", `more than ${maxWaitingSequences} sequences wait`);
  }

  submit(request: EngineRequest): void {
    this.accept(request);
    this.run(request);
  }

  /** Counts a request in that cannot run yet. */
  accept(request: EngineRequest): void {
    const sameId = this.#requests.get(request.id);
    if (sameId === undefined) this.#requests.set(request.id, new Set([request]));
    else sameId.add(request);
  }

  /** Runs an accepted request. */
  run(request: EngineRequest): void {
    for (const sequence of request.sequences) this.ranks[request.rank]?.add(sequence, request.sink);
  }

  /** Forgets a request: all its sequences ended, or its client went away. */
  release(request: EngineRequest): void {
    for (const sequence of request.sequences) {
      if (sequence.finish === undefined) this.ranks[request.rank]?.abort(sequence);
    }
    const sameId = this.#requests.get(request.id);
    sameId?.delete(request);
    if (sameId?.size === 0) this.#requests.delete(request.id);
  }

  /** Ends every request with this id; an unknown id is no error. Returns how many ended. */
  abort(id: string): number {
    const requests = [...(this.#requests.get(id) ?? [])];
    for (const request of requests) {
      this.release(request);
      request.aborted();
    }
    return requests.length;
  }

  /** Empties the prefix caches; false when any rank refused because sequences run. */
  clearCache(): boolean {
    return this.ranks.map((rank) => rank.clearCache()).every(Boolean);
  }

  /** Goes on after a hang. */
  wake(): void {
    for (const rank of this.ranks) rank.wake();
  }

  close(): void {
    for (const rank of this.ranks) rank.close();
    this.#requests.clear();
  }

  #stepEnded(tokens: number): void {
    this.generatedTokens += tokens;
    const { dieAfterTokens } = this.options.faults;
    if (dieAfterTokens !== undefined && this.generatedTokens >= dieAfterTokens) this.#observer.died();
  }
}

function scaled(timing: StepTiming, factor: number): StepTiming {
  return factor === 1 ? timing : { ...timing, speed: timing.speed / factor };
}
