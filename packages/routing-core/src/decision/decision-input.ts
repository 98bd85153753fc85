import type { WorkerSlot } from "../snapshot.ts";
import type { LegRole } from "./decision.ts";

/**
 * Everything a policy may look at, flat: element i of each array belongs to candidate i, elements from
 * `candidateCount` on are meaningless. Written by `gather`, reused by the next `gather`; a policy only reads it.
 */
export interface DecisionInput {
  /** Counts the inputs of one dispatcher. */
  readonly sequence: number;
  /** The policy's name and its parameters: with the figures below all that `decide` depends on. */
  readonly policyName: string;
  readonly policyParameters: Readonly<Record<string, number>>;
  /** Which part of the generation the candidates are for. */
  readonly role: LegRole;
  readonly atMs: number;
  readonly snapshotVersion: number;
  readonly snapshotAgeMs: number;
  /** Highest verdict code (`VERDICT_CODE`) any worker of the snapshot reached; -1 when there is no worker. */
  readonly closestVerdict: number;
  /** Length of the prompt in tokens, estimated where only text is known. */
  readonly promptTokens: number;
  readonly maxTokens: number;
  readonly candidateCount: number;
  readonly slots: Int32Array;
  readonly ranks: Int32Array;
  /** Ids of the candidates' workers. */
  readonly workers: readonly string[];
  /** Leading prompt tokens the candidate is believed to have in its cache; at most `promptTokens`. */
  readonly matchedTokens: Int32Array;
  /** From the ledger at this instant. */
  readonly inFlightRequests: Int32Array;
  readonly prefillTokens: Int32Array;
  readonly decodeTokens: Int32Array;
  /**
   * As reported by the engine; NaN where it has reported nothing. These and the figures after them up to `loraAffinity` mean
   * nothing to a policy that does not say `usesEngineLoad`.
   */
  readonly runningRequests: Float64Array;
  readonly waitingRequests: Float64Array;
  readonly kvCacheUsage: Float64Array;
  /** Age of the three figures above; Infinity where there are none. */
  readonly loadAgeMs: Float64Array;
  /** Requests that the engine reported beyond those this router had on it then: somebody else's. 0 where unknown. */
  readonly foreignRequests: Float64Array;
  /**
   * How well the candidate suits the generation's LoRA adapter by the engine's word: 1 loaded, 0.8 room to load it, 0.6
   * somebody waits for it, 0 no room; NaN where the engine does not tell or no adapter is asked for.
   */
  readonly loraAffinity: Float64Array;
  readonly weights: Float64Array;
  readonly costs: Float64Array;
  /** Values a policy keeps per candidate, at least 1. */
  readonly valueCount: number;
  /**
   * The policy's own state as it put it there in its `gather`: value v of candidate c at `c * valueCount + v`. Zero
   * before.
   */
  readonly policyValues: Float64Array;
  /** As many random numbers in [0, 1) as the policy asked for. */
  readonly draws: Float64Array;
  /** Scratch that `decide` fills: the policy's score per candidate. */
  readonly scores: Float64Array;
}

const INITIAL_CANDIDATES = 16;

/** The one {@link DecisionInput} that a dispatcher writes again and again. */
export class DecisionInputBuffer implements DecisionInput {
  sequence = 0;
  policyName = "";
  policyParameters: Readonly<Record<string, number>> = {};
  role: LegRole = "serve";
  atMs = 0;
  snapshotVersion = 0;
  snapshotAgeMs = 0;
  closestVerdict = -1;
  promptTokens = 0;
  maxTokens = 0;
  candidateCount = 0;
  valueCount = 1;
  /** Ids of the candidates' workers: a list of this input's own, or one of the snapshot's. */
  workers: readonly string[] = [];
  slots = new Int32Array(0);
  ranks = new Int32Array(0);
  matchedTokens = new Int32Array(0);
  inFlightRequests = new Int32Array(0);
  prefillTokens = new Int32Array(0);
  decodeTokens = new Int32Array(0);
  runningRequests = new Float64Array(0);
  waitingRequests = new Float64Array(0);
  kvCacheUsage = new Float64Array(0);
  loadAgeMs = new Float64Array(0);
  foreignRequests = new Float64Array(0);
  loraAffinity = new Float64Array(0);
  weights = new Float64Array(0);
  costs = new Float64Array(0);
  policyValues = new Float64Array(0);
  scores = new Float64Array(0);
  draws = new Float64Array(0);
  readonly #ownWorkers: string[] = [];
  /** Whose columns the candidates are a copy of; undefined when they are one by one. */
  #taken: CandidateColumns | undefined;

  constructor() {
    this.reserve(INITIAL_CANDIDATES);
  }

  /** Empties the input and makes room for so many candidates of a policy with such wants. */
  begin(wanted: {
    readonly candidates: number;
    readonly drawCount: number;
    readonly valueCount: number;
  }): void {
    const { candidates, drawCount, valueCount } = wanted;
    this.candidateCount = 0;
    this.workers = this.#ownWorkers;
    this.valueCount = valueCount;
    this.reserve(candidates);
    if (this.policyValues.length < this.slots.length * valueCount) {
      this.policyValues = new Float64Array(this.slots.length * valueCount);
    }
    if (this.draws.length !== drawCount) {
      this.draws = new Float64Array(drawCount);
    }
  }

  /** Makes room for so many candidates: what was there is lost. */
  reserve(candidates: number): void {
    if (candidates <= this.slots.length) {
      return;
    }
    const capacity = Math.max(candidates, 2 * this.slots.length);
    this.#taken = undefined;
    this.slots = new Int32Array(capacity);
    this.ranks = new Int32Array(capacity);
    this.matchedTokens = new Int32Array(capacity);
    this.inFlightRequests = new Int32Array(capacity);
    this.prefillTokens = new Int32Array(capacity);
    this.decodeTokens = new Int32Array(capacity);
    this.runningRequests = new Float64Array(capacity);
    this.waitingRequests = new Float64Array(capacity);
    this.kvCacheUsage = new Float64Array(capacity);
    this.loadAgeMs = new Float64Array(capacity);
    this.foreignRequests = new Float64Array(capacity);
    this.loraAffinity = new Float64Array(capacity);
    this.weights = new Float64Array(capacity);
    this.costs = new Float64Array(capacity);
    this.policyValues = new Float64Array(capacity * this.valueCount);
    this.scores = new Float64Array(capacity);
  }

  /** Adds a candidate; its figures are filled in later, for all candidates at once. */
  addCandidate(worker: string, slot: WorkerSlot, rank: number): number {
    const candidate = this.candidateCount;
    this.#taken = undefined;
    this.candidateCount = candidate + 1;
    this.#ownWorkers[candidate] = worker;
    this.slots[candidate] = slot;
    this.ranks[candidate] = rank;
    return candidate;
  }

  /** Makes every one of a fleet's targets a candidate, a fast copy of what a snapshot's life does not change. */
  takeAll(targets: CandidateColumns): void {
    this.candidateCount = targets.slots.length;
    this.workers = targets.ids;
    if (targets === this.#taken) {
      return;
    }
    this.#taken = targets;
    this.slots.set(targets.slots);
    this.ranks.set(targets.ranks);
    this.weights.set(targets.weights);
    this.costs.set(targets.costs);
  }

  /** Sets what `gather` fills in only where it knows something. */
  clearFigures(): void {
    const count = this.candidateCount;
    this.matchedTokens.fill(0, 0, count);
    this.policyValues.fill(0, 0, count * this.valueCount);
    this.scores.fill(0, 0, count);
  }
}

/** The targets of a list of workers, one element per rank. */
export interface CandidateColumns {
  readonly ids: readonly string[];
  readonly slots: Int32Array;
  readonly ranks: Int32Array;
  readonly weights: Float64Array;
  readonly costs: Float64Array;
}
