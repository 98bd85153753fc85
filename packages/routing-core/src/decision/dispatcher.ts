import type { Clock } from "../clock.ts";
import type { Generation } from "../generation.ts";
import type { Ledger } from "../ledger.ts";
import type { Policy, PolicyContext } from "../policy/policy.ts";
import { type BlockHasher, type BlockKeys, createBlockHasher } from "../prefix/block-keys.ts";
import type { PrefixReader } from "../prefix/prefix-index.ts";
import type { RandomSource } from "../random-source.ts";
import type { BreakerGuard } from "../resilience/breaker-board.ts";
import { RoutingError } from "../routing-error.ts";
import type { Snapshot, WorkerSlot, WorkerView } from "../snapshot.ts";
import { firstUnsupportedField, judgeAvailable, judgeServed, VERDICT_CODE } from "./candidate-filter.ts";
import { decide } from "./decide.ts";
import type { Decision, PlaceDecision } from "./decision.ts";
import { type DecisionRecord, recordDecision, type RecordedExclusion } from "./decision-record.ts";
import { type DecisionInput, DecisionInputBuffer } from "./decision-input.ts";
import { ModelWorkersCache } from "./model-workers.ts";
import { BookedSettlement, type Settlement } from "./settlement.ts";

/**
 * The three steps of a decision, in one thread. `gather`, `decide` and `settle` are called one after the other without
 * awaiting in between: the input is reused, and what is decided must be booked before the next arrival looks.
 */
export interface Dispatcher {
  readonly policy: Policy;
  /** Collects everything the policy may look at. Valid until the next `gather`. */
  gather(generation: Generation, snapshot: Snapshot): DecisionInput;
  /** Pure and synchronous. */
  decide(input: DecisionInput): Decision;
  /**
   * Books a decision on the latest input: ledger, prefix index, breaker, the policy's state. Throws
   * `RoutingError("stale_decision")` when another input has been gathered since, or when it has been settled already.
   */
  settle(decision: PlaceDecision): Settlement;
  /**
   * The full record of a decision on the latest input, for explanation and replay. To be taken before `settle`; costs time
   * in proportion to the fleet, so only when asked or sampled. Throws `RoutingError("stale_decision")` when it is too late.
   */
  explain(decision: Decision): DecisionRecord;
}

/** Where placements are recorded; a `PrefixWriter` is one. */
export interface PlacementRecorder {
  /** The slot will hold the prompt's blocks. The keys are reused: copy what you keep. */
  insert(keys: BlockKeys, slot: WorkerSlot): unknown;
}

/** Options of {@link createDispatcher}. */
export interface DispatcherOptions {
  readonly policy: Policy;
  readonly ledger: Ledger;
  /** Read at each decision of a policy that uses prefixes. */
  readonly index: PrefixReader;
  /**
   * Where placements are recorded: the index itself with one thread, a ring to the fleet's thread with several.
   * Nothing is recorded when missing.
   */
  readonly recorder?: PlacementRecorder;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Hashes prompts; must agree with the other threads'. Default: 16 tokens or 64 bytes of text a block. */
  readonly hasher?: BlockHasher;
  /** Breakers of this thread; without it only the snapshot's breaker states count. */
  readonly breakers?: BreakerGuard;
  /** Called after each first release: whoever waits for a place may ask again. */
  readonly onRelease?: () => void;
}

/** Creates the decision maker of one request thread. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  return new ThreadDispatcher(options);
}

const CHARACTERS_PER_TOKEN = 4;

class ThreadDispatcher implements Dispatcher {
  readonly policy: Policy;
  readonly #options: DispatcherOptions;
  readonly #hasher: BlockHasher;
  readonly #input: DecisionInputBuffer;
  readonly #matchedBlocks: Int32Array;
  readonly #modelWorkers = new ModelWorkersCache();
  readonly #admits: (worker: WorkerView) => boolean;
  #keys: BlockKeys | null = null;
  #context: PolicyContext | null = null;

  constructor(options: DispatcherOptions) {
    const { policy, breakers } = options;
    this.policy = policy;
    this.#options = options;
    this.#hasher = options.hasher ?? createBlockHasher();
    this.#input = new DecisionInputBuffer(policy.drawCount);
    this.#input.policyName = policy.name;
    this.#input.policyParameters = policy.parameters;
    this.#matchedBlocks = new Int32Array(options.index.slotCapacity);
    this.#admits =
      breakers === undefined ? () => true : (worker) => breakers.admits(worker.slot, this.#input.atMs);
  }

  gather(generation: Generation, snapshot: Snapshot): DecisionInput {
    const input = this.#input;
    const { clock, random } = this.#options;
    input.sequence += 1;
    input.atMs = clock();
    input.snapshotVersion = snapshot.version;
    input.snapshotAgeMs = input.atMs - snapshot.publishedAtMs;
    input.promptTokens = promptTokensOf(generation);
    input.maxTokens = generation.maxTokens;
    this.#keys = null;
    this.#gatherCandidates(generation, snapshot);
    this.#context = { input, generation, snapshot };
    if (input.candidateCount === 0) {
      return input;
    }
    if (this.policy.usesPrefix) {
      this.#gatherMatches(generation);
    }
    for (let draw = 0; draw < input.draws.length; draw += 1) {
      input.draws[draw] = random();
    }
    this.policy.gather?.(this.#context);
    return input;
  }

  decide(input: DecisionInput): Decision {
    return decide(input, this.policy);
  }

  settle(decision: PlaceDecision): Settlement {
    const context = this.#contextOf(decision);
    const input = this.#input;
    this.#context = null;
    const { ledger, recorder, breakers, onRelease } = this.#options;
    const { promptTokens } = input;
    const entries = decision.legs.map((leg) =>
      ledger.acquire(leg.slot, { promptTokens, prefillTokens: promptTokens - leg.matchedTokens }),
    );
    if (this.#keys !== null && this.#keys.count > 0 && recorder !== undefined) {
      for (const leg of decision.legs) {
        recorder.insert(this.#keys, leg.slot);
      }
    }
    this.policy.settle?.(context, decision.candidate);
    return new BookedSettlement({
      legs: decision.legs,
      entries,
      breakers,
      onRelease,
    });
  }

  explain(decision: Decision): DecisionRecord {
    const context = this.#contextOf(decision);
    const { input, generation, snapshot } = context;
    const exclusions: RecordedExclusion[] = [];
    for (const worker of snapshot.workers) {
      const served = judgeServed(worker, generation.model);
      const verdict = served === "eligible" ? judgeAvailable(worker, generation, this.#admits) : served;
      const field = verdict === "unsupported_field" ? firstUnsupportedField(worker, generation) : undefined;
      if (verdict !== "eligible") {
        exclusions.push({ worker: worker.id, verdict, ...(field === undefined ? {} : { field }) });
      } else if (
        input.candidateCount === 0 ||
        input.workers.lastIndexOf(worker.id, input.candidateCount - 1) < 0
      ) {
        exclusions.push({ worker: worker.id, verdict: "full" });
      }
    }
    return recordDecision({ generation, input, exclusions, decision });
  }

  #contextOf(decision: Decision): PolicyContext {
    const isStale = decision.kind === "place" && decision.inputSequence !== this.#input.sequence;
    if (this.#context === null || isStale) {
      throw new RoutingError(
        "stale_decision",
        "a decision is settled once, before the next input is gathered, and explained before that",
      );
    }
    return this.#context;
  }

  #gatherCandidates(generation: Generation, snapshot: Snapshot): void {
    const input = this.#input;
    const { workers, targets, closestVerdict } = this.#modelWorkers.get(snapshot, generation.model);
    input.reserve(targets);
    input.candidateCount = 0;
    let closest = closestVerdict;
    for (let index = 0; index < workers.length; index += 1) {
      const worker = workers[index]!;
      const verdict = judgeAvailable(worker, generation, this.#admits);
      const isCandidate = verdict === "eligible" && this.#addRanks(worker, generation);
      const code = verdict === "eligible" && !isCandidate ? VERDICT_CODE.full : VERDICT_CODE[verdict];
      closest = Math.max(closest, code);
    }
    input.closestVerdict = closest;
  }

  /** Adds the worker's ranks that are below its limit; false when there is none. */
  #addRanks(worker: WorkerView, generation: Generation): boolean {
    const input = this.#input;
    const { ledger } = this.#options;
    const first = generation.rank ?? 0;
    const end = generation.rank === undefined ? worker.ranks : first + 1;
    let isAdded = false;
    for (let rank = first; rank < end; rank += 1) {
      const slot = worker.slot + rank;
      const inFlight = ledger.requests(slot);
      if (worker.maxInFlightPerRank > 0 && inFlight >= worker.maxInFlightPerRank) {
        continue;
      }
      isAdded = true;
      const candidate = input.addCandidate(worker.id, slot, rank);
      input.inFlightRequests[candidate] = inFlight;
      input.prefillTokens[candidate] = ledger.prefillTokens(slot);
      input.decodeTokens[candidate] = ledger.decodeTokens(slot);
      const load = worker.loads[rank];
      input.runningRequests[candidate] = load == null ? NaN : load.runningRequests;
      input.waitingRequests[candidate] = load == null ? NaN : load.waitingRequests;
      input.kvCacheUsage[candidate] = load == null ? NaN : load.kvCacheUsage;
      input.loadAgeMs[candidate] = load == null ? Infinity : input.atMs - load.observedAtMs;
      input.weights[candidate] = worker.weight;
      input.costs[candidate] = worker.cost;
    }
    return isAdded;
  }

  #gatherMatches(generation: Generation): void {
    const input = this.#input;
    const { tokenIds, text } = generation;
    if (tokenIds !== undefined) {
      this.#keys = this.#hasher.hashTokens(tokenIds, generation);
    } else if (text !== undefined) {
      this.#keys = this.#hasher.hashText(text, generation);
    }
    const keys = this.#keys;
    if (keys === null || keys.count === 0 || this.#options.index.match(keys, this.#matchedBlocks) === 0) {
      return;
    }
    const tokensPerUnit = tokenIds === undefined ? input.promptTokens / keys.totalUnits : 1;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const units = (this.#matchedBlocks[input.slots[candidate]!] ?? 0) * keys.blockUnits;
      input.matchedTokens[candidate] = Math.min(input.promptTokens, Math.floor(units * tokensPerUnit));
    }
  }
}

function promptTokensOf(generation: Generation): number {
  if (generation.promptTokens > 0) {
    return generation.promptTokens;
  }
  return generation.tokenIds?.length ?? Math.ceil((generation.text?.length ?? 0) / CHARACTERS_PER_TOKEN);
}
