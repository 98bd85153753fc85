import {
  decidePair,
  type Dispatcher,
  type Generation,
  type PairDecision,
  type PairRules,
  type PlaceDecision,
  type ShadowPolicies,
  type ShadowSettlement,
  type Snapshot,
} from "@vllm-router/routing-core";
import type { Lane } from "../fleet/lane.ts";
import type { Worker } from "../fleet/worker.ts";
import type { DecisionObserver } from "../observability/decision-observer.ts";
import type { RouterObserver } from "../observability/router-observer.ts";
import type { Connector, LegWorker } from "./connector.ts";
import { explainPrefill, type ExplainedPrefill } from "../decisions/explained-decision.ts";
import type { LearnedIdentities } from "./learned-identities.ts";
import type { PrefillLeg } from "./pair-lane.ts";
import type { PairRunOptions } from "./pair-run.ts";

/** What is the same for pairs of both lanes. */
export type PairParts<TEngine> = Omit<PairRunOptions<TEngine>, "lane" | "requestId"> & {
  readonly first: PrefillLeg<TEngine>;
};

/** The fleet, as far as pairs go. */
export interface PairFleet {
  snapshot(lane: Lane): Snapshot;
  worker(id: string): Worker | undefined;
  suspect(id: string): void;
}

/** What pairs are made with. */
export interface PrefillLegsOptions {
  readonly fleet: PairFleet;
  readonly dispatchers: Readonly<Record<Lane, Dispatcher>>;
  readonly observer: RouterObserver;
  /** Policies that decide on prefill legs without effect. */
  readonly shadows?: Readonly<Record<Lane, ShadowPolicies>> | undefined;
  readonly decisionObserver?: Pick<DecisionObserver, "shadowed"> | undefined;
  readonly connector: Connector;
  readonly learned: LearnedIdentities;
  readonly rules: PairRules;
  readonly fallsBack: boolean;
  readonly prefillTimeoutMs: number;
  readonly uniqueId: () => string;
  readonly after: (delayMs: number, action: () => void) => () => void;
}

/** Fields that a prefill worker has to carry as well: they change what is computed. */
const COMPUTED_FIELDS: ReadonlySet<string> = new Set(["cache_salt", "lora", "prompt_embeds"]);

/** Chooses and books prefill workers. */
export class PrefillLegs {
  readonly options: PrefillLegsOptions;

  constructor(options: PrefillLegsOptions) {
    this.options = options;
  }

  /** Who chooses for what cannot be divided, where that is no decode engine's to compute; undefined where it is. */
  undividedDispatcher(lane: Lane): Dispatcher | undefined {
    const { connector, dispatchers } = this.options;
    return connector.computesPrompts === false ? dispatchers[lane] : undefined;
  }

  /** Decides both legs. `isDivisible` is false for a request that cannot be handed over. */
  decide(
    lane: Lane,
    generation: Generation,
    by: { readonly decode: Dispatcher; readonly isDivisible: boolean },
  ): PairDecision {
    const { fleet, dispatchers, rules } = this.options;
    return decidePair(
      { prefill: dispatchers[lane], decode: by.decode },
      {
        decode: generation,
        prefill: by.isDivisible ? prefillOf(generation, []) : undefined,
        snapshot: fleet.snapshot(lane),
        rules,
      },
    );
  }

  /** The next worker for the prefill leg of a generation; undefined when there is none. */
  next<TEngine>(
    lane: Lane,
    generation: Generation,
    failed: readonly string[],
  ): PrefillLeg<TEngine> | undefined {
    const { fleet, dispatchers } = this.options;
    const dispatcher = dispatchers[lane];
    const asked = prefillOf(generation, failed);
    const decision = dispatcher.decide(dispatcher.gather(asked, fleet.snapshot(lane)));
    return decision.kind === "place" ? this.book<TEngine>(lane, decision, asked) : undefined;
  }

  /** The prefill leg of a decision in plain data. Only before it is booked. */
  explain(lane: Lane, { prefill, skipped }: PairDecision & { readonly kind: "place" }): ExplainedPrefill {
    return prefill === undefined
      ? { skipped: skipped ?? "undivided" }
      : explainPrefill(this.options.dispatchers[lane].explain(prefill));
  }

  /** Books the prefill leg, and tells what a pair is made of; undefined for a decision without a prefill leg. */
  pair<TEngine>(
    lane: Lane,
    generation: Generation,
    decided: {
      readonly worker: Worker;
      readonly decision: PlaceDecision;
      readonly prefill: PlaceDecision | undefined;
    },
  ): PairParts<TEngine> | undefined {
    const { fleet, observer, connector, fallsBack, uniqueId, after } = this.options;
    const { worker, decision, prefill } = decided;
    const first =
      prefill === undefined ? undefined : this.book<TEngine>(lane, prefill, prefillOf(generation, []));
    if (first === undefined) {
      return undefined;
    }
    const failed = [first.worker.id];
    return {
      first,
      connector,
      fallsBack,
      uniqueId,
      after,
      decode: this.legWorker(worker, decision.legs[0]?.rank ?? 0),
      isDecodeAlive: () => fleet.worker(worker.id)?.connection === worker.connection,
      nextPrefill: () => {
        const leg = this.next<TEngine>(lane, generation, failed);
        if (leg !== undefined) {
          failed.push(leg.worker.id);
        }
        return leg;
      },
      told: (event) => observer.pairTold?.(event),
    };
  }

  /** Books a prefill leg, as it was asked for. */
  book<TEngine>(lane: Lane, decision: PlaceDecision, asked: Generation): PrefillLeg<TEngine> | undefined {
    const { fleet, dispatchers, observer, learned } = this.options;
    const [leg] = decision.legs;
    const worker = fleet.worker(leg?.worker ?? "");
    if (worker === undefined || leg === undefined) {
      return undefined;
    }
    const dispatcher = dispatchers[lane];
    const shadow = this.#observe(lane, asked, decision);
    const settlement = dispatcher.settle(decision);
    observer.decided(dispatcher.policy.name, worker.id, decision.reason);
    let isReleased = false;
    return {
      worker: this.legWorker(worker, leg.rank),
      engine: worker.connection.engine as TEngine,
      isAlive: () => this.#isAlive(lane, worker),
      judge: (outcome) => {
        // A worker that was replaced meanwhile handed nothing over.
        if (fleet.worker(worker.id)?.connection !== worker.connection) {
          return;
        }
        settlement.reportLate(outcome);
        if (outcome === "failure") {
          learned.forget(worker.connection);
          fleet.suspect(worker.id);
        }
      },
      learn: (identity) => learned.learn(worker.connection, identity),
      release: (outcome) => {
        if (isReleased) {
          return;
        }
        isReleased = true;
        if (outcome !== "cancelled" && outcome !== "handed") {
          settlement.report(outcome === "failure" ? "failure" : "success");
        }
        if (outcome === "failure") {
          // What comes back may be another engine.
          learned.forget(worker.connection);
          fleet.suspect(worker.id);
        }
        settlement.release();
        shadow?.release();
        observer.attemptEnded(worker.id, outcome === "handed" ? "success" : outcome);
      },
    };
  }

  /** Has the shadow policies choose a prefill worker as well. */
  #observe(lane: Lane, asked: Generation, decision: PlaceDecision): ShadowSettlement | undefined {
    const { fleet, shadows, dispatchers, decisionObserver } = this.options;
    const { legs, promptTokens } = decision;
    const shadow = shadows?.[lane].observe(asked, fleet.snapshot(lane), { legs, role: "prefill" });
    if (shadow !== undefined) {
      decisionObserver?.shadowed({
        policy: dispatchers[lane].policy.name,
        matchedTokens: legs[0]?.matchedTokens ?? 0,
        promptTokens,
        shadows: shadow.decisions,
      });
    }
    return shadow;
  }

  /** False once nobody answers there any more; asks the engine for the next time. */
  #isAlive(lane: Lane, { id, connection }: Worker): boolean {
    const { fleet } = this.options;
    const isHealthy = fleet.snapshot(lane).workers.some((view) => view.id === id && view.isHealthy);
    if (!isHealthy || fleet.worker(id)?.connection !== connection) {
      return false;
    }
    fleet.suspect(id);
    return true;
  }

  /** A worker as connectors know it. */
  legWorker(worker: Worker, rank: number): LegWorker {
    return {
      id: worker.id,
      rank: worker.ranks > 1 ? rank : undefined,
      ranks: worker.ranks,
      identity: this.options.learned.of(worker.connection) ?? worker.kvIdentity,
    };
  }
}

function prefillOf(generation: Generation, excludedWorkers: readonly string[]): Generation {
  return {
    ...generation,
    maxTokens: 1,
    rank: undefined,
    excludedWorkers,
    requiredFields: generation.requiredFields.filter((field) => COMPUTED_FIELDS.has(field)),
  };
}
