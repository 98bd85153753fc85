import { EngineError, type ProxyEngine, type TokenEngine } from "@vllm-router/engine-client";
import type {
  Decision,
  Dispatcher,
  Generation,
  PairDecision,
  PlaceDecision,
  Settlement,
  ShadowDecision,
  ShadowPolicies,
  ShadowSettlement,
  Snapshot,
} from "@vllm-router/routing-core";
import type { DecisionJournal } from "../decisions/decision-journal.ts";
import { explainDecision, type DecisionListener } from "../decisions/explained-decision.ts";
import { isDivisible } from "../disaggregation/is-divisible.ts";
import type { PrefillLegs } from "../disaggregation/prefill-legs.ts";
import { withLeg } from "../disaggregation/with-leg.ts";
import { ProxyPair } from "../disaggregation/proxy-pair.ts";
import { TokenPair } from "../disaggregation/token-pair.ts";
import type { DecisionObserver } from "../observability/decision-observer.ts";
import type { Lane } from "./lane.ts";
import type { AttemptOutcome, RouterObserver } from "../observability/router-observer.ts";
import type {
  EmbeddingPlacement,
  Placement,
  PlacementFailure,
  PlacementRequest,
  PlacementResult,
  Placer,
  ProxyPlacement,
} from "../pipeline/placement.ts";
import { randomId } from "../pipeline/random-id.ts";
import type { HitObservation, HitObserver } from "./hit-observer.ts";
import { NO_ENGINE, NO_PREFILL_ENGINE, placementFailure } from "./placement-failure.ts";
import { ProxyTraitsReader } from "./proxy-traits.ts";
import type { Worker } from "./worker.ts";

/** What a placer looks at. */
export interface PlacerFleet {
  /** Workers of one lane as last published. */
  snapshot(lane: Lane): Snapshot;
  worker(id: string): Worker | undefined;
  /** An attempt could not reach the worker: probe it now. */
  suspect(id: string): void;
  /** Which engines are not ready and why, the first few of them, for people; empty when all are ready. */
  readinessProblem(): string;
}

/** Options of {@link FleetPlacer}. */
export interface FleetPlacerOptions {
  readonly fleet: PlacerFleet;
  /** One per lane: their inputs are reused between calls. */
  readonly dispatchers: Readonly<Record<Lane, Dispatcher>>;
  readonly observer: RouterObserver;
  /** Where decisions are written down that were asked for or sampled; nowhere when missing. */
  readonly journal?: DecisionJournal | undefined;
  /** Policies that decide beside the acting one without effect, and who hears what they would have done. */
  readonly shadows?: Readonly<Record<Lane, ShadowPolicies>> | undefined;
  readonly decisionObserver?: DecisionObserver | undefined;
  /** Where generations are divided; the dispatchers then choose decode workers. */
  readonly prefill?: PrefillLegs | undefined;
  /** Has the prefix index learn from what engines find in their caches. */
  readonly hits?: HitObserver | undefined;
  /** Milliseconds since the epoch: deadlines are told to engines. */
  readonly now: () => number;
  /** Longest time an attempt may take, milliseconds; 0 for no limit. */
  readonly requestTimeoutMs: number;
}

/** A unary call always has a deadline; this one stands for none, milliseconds. */
const UNLIMITED_MS = 24 * 60 * 60 * 1000;

/** Chooses among the fleet's workers through routing-core and books the choice. */
export class FleetPlacer implements Placer {
  readonly #options: FleetPlacerOptions;
  readonly #proxyTraits: ProxyTraitsReader;

  constructor(options: FleetPlacerOptions) {
    this.#options = options;
    this.#proxyTraits = new ProxyTraitsReader((id) => options.fleet.worker(id));
  }

  place(request: PlacementRequest): PlacementResult {
    const { plan, prompt } = request;
    const generation: Generation = {
      requestId: plan.responseId,
      model: plan.model.servedNames[0] ?? "",
      tokenIds: prompt.tokenIds,
      recurring: prompt.recurring,
      promptTokens: prompt.tokenIds.length,
      maxTokens: prompt.sampling.maxTokens * request.sequences,
      routingKey: plan.routingKey,
      loraName: plan.model.adapter?.name,
      cacheSalt: plan.engineFields?.cacheSalt,
      rank: plan.rank,
      requiredFields: plan.requiredFields,
      excludedWorkers: request.excludedWorkers,
    };
    const { prefill, now } = this.#options;
    const result = this.#decide("token", generation, {
      explained: plan.explained,
      isDivisible: prefill !== undefined && isDivisible(request, prefill.options.connector.isShared),
    });
    if ("failure" in result) {
      return { kind: "not-placed", failure: result.failure };
    }
    const engine = result.worker.connection.engine as TokenEngine;
    const booked = this.#book(result);
    const parts = prefill?.pair<TokenEngine>("token", generation, result);
    if (prefill === undefined || parts === undefined) {
      return { kind: "placed", placement: { ...booked, engine } };
    }
    const { found: _, ...rest } = booked;
    let told: number | undefined;
    const pair = new TokenPair({
      ...parts,
      engine,
      now,
      prefillTimeoutMs: prefill.options.prefillTimeoutMs,
      found: (cachedTokens) => {
        told = cachedTokens;
      },
    });
    // What the decode worker found is what it was handed: the cache of the two is the prefill worker's.
    return {
      kind: "placed",
      placement: { ...withLeg(rest, parts.first, pair), engine: pair, cachedTokens: () => told },
    };
  }

  /** Chooses an HTTP worker for a request that is passed on as it is. */
  placeProxy(
    generation: Generation,
    explained?: DecisionListener,
    divide?: ProxyDivider,
  ):
    | { readonly kind: "placed"; readonly placement: ProxyPlacement }
    | { readonly kind: "not-placed"; readonly failure: PlacementFailure } {
    const { knowsRanks, adapters } = this.#proxyTraits.of(this.#options.fleet.snapshot("proxy"));
    const asked: Generation = {
      ...generation,
      // Where nobody knows of ranks the client's header is the worker's business.
      rank: knowsRanks ? generation.rank : undefined,
      loraName: adapters.has(generation.model) ? generation.model : undefined,
    };
    const { prefill, now } = this.#options;
    const result = this.#decide("proxy", asked, {
      explained,
      // Dividing needs the whole body read: not where there is nobody to divide it with.
      isDivisible: prefill !== undefined && divide?.(prefill.options.connector.isShared) === true,
    });
    if ("failure" in result) {
      return { kind: "not-placed", failure: result.failure };
    }
    const engine = result.worker.connection.engine as ProxyEngine;
    const parts = prefill?.pair<ProxyEngine>("proxy", asked, result);
    if (prefill !== undefined && parts !== undefined) {
      const { found: _, ...booked } = this.#book(result);
      const { prefillTimeoutMs } = prefill.options;
      const pair = new ProxyPair({ ...parts, engine, now, prefillTimeoutMs });
      return { kind: "placed", placement: { ...withLeg(booked, parts.first, pair), engine: pair } };
    }
    return { kind: "placed", placement: { ...this.#book(result), engine } };
  }

  /** Chooses a gRPC worker for one prompt of a model that pools. */
  placeEmbedding(
    generation: Generation,
    explained?: DecisionListener,
  ):
    | { readonly kind: "placed"; readonly placement: EmbeddingPlacement }
    | { readonly kind: "not-placed"; readonly failure: PlacementFailure } {
    const result = this.#decide("token", generation, { explained, isDivisible: false });
    if ("failure" in result) {
      return { kind: "not-placed", failure: result.failure };
    }
    const { connection } = result.worker;
    const unlimitedAtMs = this.#options.now() + UNLIMITED_MS;
    const placement: EmbeddingPlacement = {
      ...this.#book(result),
      async embed(request, { signal, deadlineAtMs = unlimitedAtMs, metadata }) {
        if (connection.dialect !== "vllm-engine") {
          throw new EngineError("unimplemented", `${connection.dialect} cannot embed`);
        }
        return connection.admin.embed(request, { signal, deadlineAtMs, metadata });
      },
    };
    return { kind: "placed", placement };
  }

  #decide(
    lane: Lane,
    generation: Generation,
    asked: { readonly explained: DecisionListener | undefined; readonly isDivisible: boolean },
  ): Decided | { readonly failure: PlacementFailure } {
    const { fleet, dispatchers, observer, shadows, decisionObserver } = this.#options;
    const snapshot = fleet.snapshot(lane);
    const { explained, isDivisible } = asked;
    const undivided = isDivisible ? undefined : this.#options.prefill?.undividedDispatcher(lane);
    const dispatcher = undivided ?? dispatchers[lane];
    const pair =
      undivided === undefined
        ? this.#options.prefill?.decide(lane, generation, { decode: dispatcher, isDivisible })
        : undefined;
    const decision =
      pair === undefined
        ? dispatcher.decide(dispatcher.gather(generation, snapshot))
        : pair.kind === "place"
          ? pair.decode
          : pair.decision;
    const divided = this.#options.prefill === undefined ? "serve" : "decode";
    const computesPrompt = pair?.kind !== "place" || pair.prefill === undefined;
    const shadow =
      decision.kind === "place"
        ? shadows?.[lane].observe(generation, snapshot, {
            legs: decision.legs,
            role: undivided === undefined ? divided : "prefill",
            computesPrompt,
          })
        : undefined;
    this.#explain(dispatcher, decision, { lane, explained, shadows: shadow?.decisions ?? [], pair });
    if (decision.kind !== "place") {
      return {
        failure: placementFailure(decision, {
          generation,
          snapshot,
          readinessProblem: () => fleet.readinessProblem(),
        }),
      };
    }
    const worker = fleet.worker(decision.legs[0]?.worker ?? "");
    if (worker === undefined) {
      shadow?.release();
      return { failure: NO_ENGINE };
    }
    const [leg] = decision.legs;
    const { hits } = this.#options;
    const isFirm = leg !== undefined && hits?.isFirm(leg.slot) === true;
    const settlement = dispatcher.settle(decision, { computesPrompt });
    if (pair?.kind === "place") {
      observer.pairDecided?.(
        pair.prefill === undefined ? "decode_only" : "prefill_decode",
        pair.skipped ?? "",
      );
      if (pair.skipped === "no_prefill_worker" && this.#options.prefill?.options.fallsBack === false) {
        settlement.release();
        shadow?.release();
        return { failure: NO_PREFILL_ENGINE };
      }
    }
    const hit =
      leg === undefined
        ? undefined
        : hits?.settled({ slot: leg.slot, generation, claimedTokens: leg.matchedTokens, isFirm });
    observer.decided(dispatcher.policy.name, worker.id, decision.reason);
    if (shadow !== undefined) {
      decisionObserver?.shadowed({
        policy: dispatcher.policy.name,
        matchedTokens: decision.legs[0]?.matchedTokens ?? 0,
        promptTokens: decision.promptTokens,
        shadows: shadow.decisions,
      });
    }
    return {
      worker,
      decision,
      settlement,
      shadow,
      hit,
      prefill: pair?.kind === "place" ? pair.prefill : undefined,
    };
  }

  /** Writes the decision down where somebody asked for it or its turn has come. Only before it is settled. */
  #explain(
    dispatcher: Dispatcher,
    decision: Decision,
    context: {
      readonly lane: Lane;
      readonly explained: DecisionListener | undefined;
      readonly shadows: readonly ShadowDecision[];
      readonly pair: PairDecision | undefined;
    },
  ): void {
    const { journal, now } = this.#options;
    const { lane, explained, shadows, pair } = context;
    const isSampled = journal?.isSampled() ?? false;
    if (journal === undefined || (!isSampled && explained === undefined)) {
      return;
    }
    const entry = explainDecision({
      id: randomId(),
      decidedAtMs: now(),
      lane,
      record: dispatcher.explain(decision),
      shadows,
      ...(pair?.kind === "place" ? { prefill: this.#options.prefill?.explain(lane, pair) } : {}),
    });
    journal.add(entry, isSampled);
    explained?.(entry);
  }

  #book(decided: Decided): Omit<Placement, "engine"> {
    const { worker, decision, settlement, shadow, hit } = decided;
    const { observer, fleet, now, requestTimeoutMs } = this.#options;
    const leg = decision.legs[0];
    let released = false;
    return {
      workerId: worker.id,
      rank: worker.ranks > 1 ? leg?.rank : undefined,
      reason: decision.reason,
      deadlineAtMs: requestTimeoutMs === 0 ? undefined : now() + requestTimeoutMs,
      output: (tokens) => {
        settlement.firstOutput();
        settlement.addOutput(tokens);
        shadow?.firstOutput();
        shadow?.addOutput(tokens);
      },
      ...(hit === undefined ? {} : { found: (cachedTokens: number) => hit.found(cachedTokens) }),
      release: (outcome: AttemptOutcome) => {
        if (released) {
          return;
        }
        released = true;
        if (outcome === "success" || outcome === "rejected") {
          settlement.report("success");
        } else if (outcome === "failure") {
          settlement.report("failure");
          fleet.suspect(worker.id);
        }
        settlement.release();
        shadow?.release();
        observer.attemptEnded(worker.id, outcome);
      },
    };
  }
}

interface Decided {
  readonly worker: Worker;
  readonly decision: PlaceDecision;
  readonly settlement: Settlement;
  readonly shadow: ShadowSettlement | undefined;
  readonly hit: HitObservation | undefined;
  /** The prefill leg; undefined for none. */
  readonly prefill: PlaceDecision | undefined;
}

/** Whether a request that is passed on can be divided, given whether several sequences may share one prefill. */
export type ProxyDivider = (isShared: boolean) => boolean;
