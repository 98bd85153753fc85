import { EngineError, type GenerateCall } from "@vllm-router/engine-client";
import { isRetryable } from "../pipeline/retryable.ts";
import type { Connector, EngineIdentity, LegPlan, LegWorker } from "./connector.ts";

/** How a leg's place is given back. */
export type LegOutcome = "success" | "failure" | "cancelled" | "rejected";

/** A prefill worker that was chosen and booked. */
export interface PrefillLeg<TEngine> {
  readonly worker: LegWorker;
  readonly engine: TEngine;
  /** Gives the place back and tells the breaker. The first call counts. */
  readonly release: (outcome: LegOutcome) => void;
  /** The engine's connector is known by this, as long as the engine lives. */
  readonly learn: (identity: EngineIdentity) => void;
}

/** What a prefill leg answered. */
export type PrefillAnswer =
  | {
      readonly kind: "answered";
      /** JSON text of `kv_transfer_params`. */
      readonly params: string | undefined;
      /** Prompt tokens it found in its cache; undefined where it does not say. */
      readonly cachedTokens: number | undefined;
    }
  | { readonly kind: "failed"; readonly error: EngineError };

/** What the two lanes do in ways of their own. */
export interface PairLane<TEngine> {
  /** Runs a prefill leg; never answers inside the call. @returns the cancellation, after which nothing is answered */
  prefill(leg: PrefillLeg<TEngine>, plan: LegPlan, answered: (answer: PrefillAnswer) => void): () => void;
  /** Starts the decode leg. `requestId` is undefined where no leg went before. */
  decode(requestId: string | undefined, params: string | undefined): GenerateCall;
  /** Tells the owner that the pair failed. Nothing is said afterwards. */
  fail(error: EngineError): void;
}

/** What a pair is made of. */
export interface PairRunOptions<TEngine> {
  readonly lane: PairLane<TEngine>;
  readonly connector: Connector;
  readonly requestId: string;
  readonly decode: LegWorker;
  /** False when the decode engine is not the one any more that was chosen: nothing may be handed to it. */
  readonly isDecodeAlive: () => boolean;
  /** The next prefill worker that has not failed; undefined when there is none. */
  readonly nextPrefill: () => PrefillLeg<TEngine> | undefined;
  /** Whether the decode worker computes the prompt itself when no prefill worker does. */
  readonly fallsBack: boolean;
  readonly uniqueId: () => string;
  readonly after: (delayMs: number, action: () => void) => () => void;
  /** How the legs went, once for each prefill leg and once for a fall-back. */
  readonly told: (event: PairEvent) => void;
}

/** What happened to a pair. */
export type PairEvent =
  | { readonly kind: "prefilled"; readonly worker: string }
  | { readonly kind: "prefill-failed"; readonly worker: string; readonly code: string }
  | { readonly kind: "fell-back" };

/** An abandoned decode leg that has blocks to fetch is given so long to fetch them: engines hold them for 30 s. */
const FETCH_TIME_MS = 30_000;

/**
 * The two legs of one attempt: prefill, checked; then decode, or both together where the connector wants it. A prefill
 * that fails or is slow goes to another worker. An attempt that is cancelled with blocks handed over and not yet fetched
 * lets the decode engine fetch them, in silence: that is what frees them.
 */
export class PairRun<TEngine> implements GenerateCall {
  readonly #options: PairRunOptions<TEngine>;
  #leg: PrefillLeg<TEngine> | undefined;
  #cancelPrefill: (() => void) | undefined;
  #decodeCall: GenerateCall | undefined;
  #cancelFetchTimer: (() => void) | undefined;
  #cancelFailure: (() => void) | undefined;
  #isFetching = false;
  #isOver = false;
  #isPaused = false;
  #tries = 0;
  /** Prompt tokens that the prefill engine found in its cache; undefined where it did not say or did not run. */
  cachedTokens: number | undefined;

  constructor(options: PairRunOptions<TEngine>) {
    this.#options = options;
  }

  /** True once cancelled or failed: the decode leg is heard by nobody. */
  get isOver(): boolean {
    return this.#isOver;
  }

  start(first: PrefillLeg<TEngine>): void {
    this.#prefill(first);
  }

  cancel(): void {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    this.#cancelFailure?.();
    // Without the prefill leg's answer, no blocks are held that the decode leg could free.
    const hasBlocks = this.#leg === undefined;
    this.#endPrefill("cancelled");
    if (this.#isFetching && hasBlocks) {
      this.#decodeCall?.resume();
      this.#cancelFetchTimer = this.#options.after(FETCH_TIME_MS, () => this.#decodeCall?.cancel());
    } else {
      this.#decodeCall?.cancel();
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.#decodeCall?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#decodeCall?.resume();
  }

  /** The decode engine said something: it has all it needs. */
  decodeHeard(): void {
    if (this.#isFetching) {
      this.#isFetching = false;
      if (this.#isOver) {
        this.#cancelFetchTimer?.();
        this.#decodeCall?.cancel();
      }
    }
  }

  /** The decode leg is over, in whatever way. */
  decodeEnded(): void {
    this.#isFetching = false;
    this.#cancelFetchTimer?.();
    this.#isOver = true;
    this.#endPrefill("cancelled");
  }

  #prefill(leg: PrefillLeg<TEngine>): void {
    const { connector, requestId, decode, uniqueId, lane } = this.#options;
    this.#tries += 1;
    const plan = connector.plan({
      requestId: this.#tries === 1 ? requestId : `${requestId}-p${this.#tries}`,
      prefill: leg.worker,
      decode,
      uniqueId,
    });
    if (plan === undefined) {
      leg.release("cancelled");
      this.#next(new EngineError("unavailable", `${leg.worker.id} has not told what it is known by`));
      return;
    }
    this.#leg = leg;
    this.#cancelPrefill = lane.prefill(leg, plan, (answer) => this.#answered(plan, answer));
    if (plan.decode.order === "together") {
      this.#decode(plan.requestId, plan.decode.params);
    }
  }

  #answered({ requestId, decode }: LegPlan, answer: PrefillAnswer): void {
    const leg = this.#leg;
    if (this.#isOver || leg === undefined) {
      return;
    }
    if (answer.kind === "failed") {
      this.#prefillFailed(leg, answer.error);
      return;
    }
    const handover = decode.order === "together" ? { params: decode.params } : decode.handover(answer.params);
    if (handover === undefined) {
      this.#prefillFailed(
        leg,
        new EngineError("protocol", "the prefill engine answered without the blocks' place"),
      );
      return;
    }
    this.#leg = undefined;
    leg.release("success");
    this.cachedTokens = answer.cachedTokens;
    this.#options.told({ kind: "prefilled", worker: leg.worker.id });
    if (handover.learned !== undefined) {
      leg.learn(handover.learned);
    }
    if (decode.order === "after") {
      this.#decode(requestId, handover.params);
    }
  }

  #prefillFailed(leg: PrefillLeg<TEngine>, error: EngineError): void {
    const { told } = this.#options;
    const isServed = this.#decodeCall !== undefined && !this.#isFetching;
    this.#endPrefill(error.code === "rejected" || error.code === "unimplemented" ? "rejected" : "failure");
    told({ kind: "prefill-failed", worker: leg.worker.id, code: error.code });
    if (isServed) {
      // The decode leg has begun to answer: it has the blocks, and its client the first words.
      return;
    }
    // A decode leg that runs waits for blocks that never come.
    this.#isFetching = false;
    this.#decodeCall?.cancel();
    this.#decodeCall = undefined;
    if (isRetryable(error)) {
      this.#next(error);
    } else {
      this.#fail(error);
    }
  }

  #next(error: EngineError): void {
    const { nextPrefill, fallsBack, told } = this.#options;
    const leg = nextPrefill();
    if (leg !== undefined) {
      this.#prefill(leg);
    } else if (fallsBack) {
      told({ kind: "fell-back" });
      this.#decode(undefined, undefined);
    } else {
      this.#fail(error);
    }
  }

  #decode(requestId: string | undefined, params: string | undefined): void {
    const { lane, isDecodeAlive } = this.#options;
    if (!isDecodeAlive()) {
      this.#fail(
        new EngineError("unavailable", "the decode engine was replaced while the prompt was computed"),
      );
      return;
    }
    this.#isFetching = params !== undefined;
    this.#decodeCall = lane.decode(requestId, params);
    if (this.#isPaused) {
      this.#decodeCall.pause();
    }
  }

  /** Later: an owner is never told inside its own call. */
  #fail(error: EngineError): void {
    this.#cancelFailure = this.#options.after(0, () => {
      if (!this.#isOver) {
        this.#isOver = true;
        this.#options.lane.fail(error);
      }
    });
  }

  #endPrefill(outcome: LegOutcome): void {
    this.#cancelPrefill?.();
    this.#cancelPrefill = undefined;
    this.#leg?.release(outcome);
    this.#leg = undefined;
  }
}
