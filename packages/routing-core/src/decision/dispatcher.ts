import type { Clock } from "../clock.ts";
import type { EngineLoadReader } from "../engine-load.ts";
import type { Generation } from "../generation.ts";
import type { Ledger } from "../ledger.ts";
import type { Policy, PolicyContext, PolicySource } from "../policy/policy.ts";
import { type BlockHasher, type BlockKeys, createBlockHasher } from "../prefix/block-keys.ts";
import type { PrefixReader } from "../prefix/prefix-index.ts";
import type { RandomSource } from "../random-source.ts";
import type { BreakerGuard } from "../resilience/breaker-board.ts";
import { RoutingError } from "../routing-error.ts";
import type { Snapshot, WorkerSlot } from "../snapshot.ts";
import { firstUnsupportedField, judgeAvailable, judgeServed } from "./candidate-filter.ts";
import { decide } from "./decide.ts";
import type { Decision, LegRole, PlaceDecision } from "./decision.ts";
import { type DecisionRecord, recordDecision, type RecordedExclusion } from "./decision-record.ts";
import { type DecisionInput, DecisionInputBuffer } from "./decision-input.ts";
import { CandidateGatherer } from "./gather-candidates.ts";
import { BookedSettlement, type Settlement } from "./settlement.ts";

/**
 * The three steps of a decision, in one thread. `gather`, `decide` and `settle` are called one after the other without
 * awaiting in between: the input is reused, and what is decided must be booked before the next arrival looks.
 */
export interface Dispatcher {
  /** Who decides: the latest input's policy, before the first one the one that would. */
  readonly policy: Policy;
  /** Collects everything the policy may look at. Valid until the next `gather`. */
  gather(generation: Generation, snapshot: Snapshot): DecisionInput;
  /** Pure and synchronous. */
  decide(input: DecisionInput): Decision;
  /**
   * Books a decision on the latest input: ledger, prefix index, breaker, the policy's state. Throws
   * `RoutingError("stale_decision")` when another input has been gathered since, or when it has been settled already.
   */
  settle(decision: PlaceDecision, options?: SettleOptions): Settlement;
  /**
   * The full record of a decision on the latest input, for explanation and replay. To be taken before `settle`; costs time
   * in proportion to the fleet, so only when asked or sampled. Throws `RoutingError("stale_decision")` when it is too late.
   */
  explain(decision: Decision): DecisionRecord;
}

/** How a decision is booked. */
export interface SettleOptions {
  /** False for a worker that is handed the prompt already computed: it has nothing to compute. Default true. */
  readonly computesPrompt?: boolean;
}

/** Where placements are recorded; a `PrefixWriter` is one. */
export interface PlacementRecorder {
  /** The slot will hold the prompt's blocks. The keys are reused: copy what you keep. */
  insert(keys: BlockKeys, slot: WorkerSlot): unknown;
}

/** Options of {@link createDispatcher}. */
export interface DispatcherOptions {
  /** One policy for good, or whoever is the current one at each decision. */
  readonly policy: Policy | PolicySource;
  /** Which part of a generation is placed: only workers of that role are candidates. Default `serve`. */
  readonly role?: LegRole;
  readonly ledger: Ledger;
  /** What engines last reported of themselves; nothing is known of any when missing. */
  readonly loads?: EngineLoadReader;
  /** Read at each decision of a policy that uses prefixes. */
  readonly index: PrefixReader;
  /** Match and record prompts for a policy that does not look at them as well. Default false. */
  readonly tracksPrefix?: boolean;
  /**
   * Where placements are recorded: the index itself with one thread, a ring to the fleet's thread with several.
   * Nothing is recorded when missing.
   */
  readonly recorder?: PlacementRecorder;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Hashes prompts; must agree with the other threads'. Default: 16 tokens or 128 bytes of text a block. */
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
  readonly #source: PolicySource;
  readonly #options: DispatcherOptions;
  readonly #hasher: BlockHasher;
  readonly #input = new DecisionInputBuffer();
  readonly #matchedBlocks: Int32Array;
  readonly #candidates: CandidateGatherer;
  #policy: Policy;
  #keys: BlockKeys | null = null;
  #context: PolicyContext | null = null;

  constructor(options: DispatcherOptions) {
    const { policy, ledger, loads, breakers, role } = options;
    this.#source = "current" in policy ? policy : { current: policy };
    this.#policy = this.#source.current;
    this.#options = options;
    this.#hasher = options.hasher ?? createBlockHasher();
    this.#matchedBlocks = new Int32Array(options.index.slotCapacity);
    this.#candidates = new CandidateGatherer(this.#input, { ledger, loads, breakers, role });
    this.#input.role = role ?? "serve";
  }

  get policy(): Policy {
    return this.#policy;
  }

  gather(generation: Generation, snapshot: Snapshot): DecisionInput {
    const input = this.#input;
    const { clock } = this.#options;
    input.sequence += 1;
    input.atMs = clock();
    input.snapshotVersion = snapshot.version;
    input.snapshotAgeMs = input.atMs - snapshot.publishedAtMs;
    input.promptTokens = promptTokensOf(generation);
    input.maxTokens = generation.maxTokens;
    this.#context = { input, generation, snapshot };
    this.#withCurrentPolicy((policy) => this.#gatherFor(policy, generation, snapshot));
    return input;
  }

  decide(input: DecisionInput): Decision {
    return this.#withCurrentPolicy((policy) => {
      if (policy !== this.#policy) {
        // The policy that the input was gathered for has just failed: everything again for the one behind it.
        const { generation, snapshot } = this.#context!;
        this.#gatherFor(policy, generation, snapshot);
      }
      return decide(input, policy);
    }, this.#policy);
  }

  settle(decision: PlaceDecision, { computesPrompt = true }: SettleOptions = {}): Settlement {
    const context = this.#contextOf(decision);
    const input = this.#input;
    this.#context = null;
    const { ledger, recorder, breakers, onRelease } = this.#options;
    const { promptTokens } = input;
    const entries = decision.legs.map((leg) =>
      ledger.acquire(leg.slot, {
        promptTokens,
        prefillTokens: computesPrompt ? promptTokens - leg.matchedTokens : 0,
      }),
    );
    if (this.#keys !== null && this.#keys.count > 0 && recorder !== undefined) {
      for (const leg of decision.legs) {
        recorder.insert(this.#keys, leg.slot);
      }
    }
    this.#policy.settle?.(context, decision.candidate);
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
    this.#candidates.complete();
    const exclusions: RecordedExclusion[] = [];
    for (const worker of snapshot.workers) {
      const served = judgeServed(worker, generation.model, input.role);
      const verdict =
        served === "eligible" ? judgeAvailable(worker, generation, this.#candidates.admits) : served;
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
    return recordDecision({ generation, input, exclusions, decision, policy: this.#policy });
  }

  /** Does something with a policy, and again with the next one when the source has given the first one up meanwhile. */
  #withCurrentPolicy<T>(act: (policy: Policy) => T, first: Policy = this.#source.current): T {
    try {
      return act(first);
    } catch (error) {
      const next = this.#source.current;
      if (next === first) {
        throw error;
      }
      return act(next);
    }
  }

  #gatherFor(policy: Policy, generation: Generation, snapshot: Snapshot): void {
    const input = this.#input;
    this.#policy = policy;
    input.policyName = policy.name;
    input.policyParameters = policy.parameters;
    this.#keys = null;
    this.#candidates.gather(generation, snapshot, policy);
    if (input.candidateCount === 0) {
      return;
    }
    if (policy.usesPrefix || this.#options.tracksPrefix === true) {
      this.#gatherMatches(generation);
    }
    for (let draw = 0; draw < input.draws.length; draw += 1) {
      input.draws[draw] = this.#options.random();
    }
    policy.gather?.({ input, generation, snapshot });
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
