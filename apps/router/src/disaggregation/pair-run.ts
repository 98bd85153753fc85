import { EngineError, type GenerateCall } from "@vllm-router/engine-client";
import { isRetryable } from "../pipeline/retryable.ts";
import type { Connector, LegPlan, LegWorker } from "./connector.ts";
import type { LegOutcome, PairLane, PrefillAnswer, PrefillLeg } from "./pair-lane.ts";

/** Handovers of one attempt that may come to nothing before no further prefill engine is asked. */
const MAX_LOST_HANDOVERS = 3;

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

/** A decode leg that has said nothing for so long after a prefill that ran beside it may wait for a dead engine. */
const WATCH_INTERVAL_MS = 2_000;

/**
 * The two legs of one attempt: prefill, checked; then decode, or both together where the connector wants it. A prefill
 * that fails or is slow goes to another worker, and so does one whose blocks the decode engine could not fetch. An attempt that is cancelled with blocks handed over and not yet fetched
 * lets the decode engine fetch them, in silence: that is what frees them.
 */
export class PairRun<TEngine> implements GenerateCall {
  readonly #options: PairRunOptions<TEngine>;
  #leg: PrefillLeg<TEngine> | undefined;
  #cancelPrefill: (() => void) | undefined;
  #decodeCall: GenerateCall | undefined;
  #cancelFetchTimer: (() => void) | undefined;
  #cancelWatch: (() => void) | undefined;
  #cancelFailure: (() => void) | undefined;
  #isFetching = false;
  #isOver = false;
  #isPaused = false;
  #isDecodeSpared = false;
  #tries = 0;
  /** The leg whose blocks the decode leg fetches. */
  #handing: PrefillLeg<TEngine> | undefined;
  /** The leg whose blocks the decode leg has, though its own answer is still on its way. */
  #fetchedFrom: PrefillLeg<TEngine> | undefined;
  /** Legs whose blocks could not be fetched: to be judged once the decode engine has shown that it can do without them. */
  readonly #lost: PrefillLeg<TEngine>[] = [];
  /** Prompt tokens that the prefill engine found in its cache; undefined where it did not say or did not run. */
  cachedTokens: number | undefined;

  constructor(options: PairRunOptions<TEngine>) {
    this.#options = options;
  }

  /** True once cancelled or failed: the decode leg is heard by nobody. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** True when it failed for want of a prompt's blocks: the decode engine is not to blame. */
  get isDecodeSpared(): boolean {
    return this.#isDecodeSpared;
  }

  /** True while the decode leg's first word tells whether blocks could be fetched: its own, or those lost before. */
  get isAwaited(): boolean {
    return this.#isFetching || this.#lost.length > 0;
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
    this.#cancelWatch?.();
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

  /**
   * The decode engine said something: it has all it needs. `isWell` is false where that is an error, which leaves open
   * whose blocks were at fault before.
   */
  decodeHeard(isWell = true): void {
    const handing = this.#handing;
    this.#handing = undefined;
    this.#cancelWatch?.();
    if (isWell) {
      this.#fetchedFrom ??= this.#isFetching ? this.#leg : undefined;
      handing?.judge("success");
      this.#lost.forEach((leg) => leg.judge("failure"));
    }
    this.#lost.length = 0;
    if (this.#isFetching) {
      this.#isFetching = false;
      if (this.#isOver) {
        this.#cancelFetchTimer?.();
        this.#decodeCall?.cancel();
      }
    }
  }

  /**
   * The decode leg ended with an error before it said anything.
   * @returns true when that is for want of the blocks handed over: the pair goes on, and the call is forgotten
   */
  decodeFailed(): boolean {
    if (!this.#isFetching || this.#isOver) {
      return false;
    }
    const leg = this.#leg ?? this.#handing;
    if (leg === undefined) {
      return false;
    }
    this.#lose(leg, `the decode engine could not fetch the blocks of ${leg.worker.id}`);
    return true;
  }

  /** A leg's blocks do not reach the decode engine: they are computed elsewhere. */
  #lose(leg: PrefillLeg<TEngine>, message: string): void {
    this.#dropDecode();
    // Where both legs run together the answer may still be on its way, to nobody.
    this.#endPrefill("cancelled");
    this.#handing = undefined;
    this.#lost.push(leg);
    this.#options.told({ kind: "prefill-failed", worker: leg.worker.id, code: "not_fetched" });
    this.#next(new EngineError("unavailable", message), this.#lost.length < MAX_LOST_HANDOVERS);
  }

  /**
   * Where both legs run together, the decode engine may wait for blocks that were never sent, and for good: the prefill
   * engine, which has answered, is looked at until the decode engine says something.
   */
  #watch(leg: PrefillLeg<TEngine>): void {
    this.#cancelWatch = this.#options.after(WATCH_INTERVAL_MS, () => {
      if (this.#handing !== leg || this.#isOver) {
        return;
      }
      if (leg.isAlive()) {
        this.#watch(leg);
      } else {
        this.#lose(leg, `${leg.worker.id} went before the decode engine had its blocks`);
      }
    });
  }

  /** The decode leg is over, in whatever way. */
  decodeEnded(): void {
    this.#isFetching = false;
    this.#cancelWatch?.();
    this.#cancelFetchTimer?.();
    this.#isOver = true;
    const leg = this.#leg;
    if (leg !== undefined && leg === this.#fetchedFrom) {
      // Two connections: a short generation may be over before the prefill engine's own answer is here.
      this.#options.told({ kind: "prefilled", worker: leg.worker.id });
      this.#endPrefill("success");
    } else {
      this.#endPrefill("cancelled");
    }
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
      const { id } = leg.worker;
      this.#next(
        new EngineError("unavailable", `${id} or ${decode.id} has not told what its connector is known by`),
      );
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
    if (answer.kind === "refused") {
      this.#prefillRefused(leg);
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
    const isHanded = decode.order === "together" ? this.#isFetching : handover.params !== undefined;
    this.#handing = isHanded ? leg : undefined;
    leg.release(isHanded ? "handed" : "success");
    this.cachedTokens = answer.cachedTokens;
    this.#options.told({ kind: "prefilled", worker: leg.worker.id });
    if (handover.learned !== undefined) {
      leg.learn(handover.learned);
    }
    if (decode.order === "after") {
      this.#decode(requestId, handover.params);
    } else if (isHanded) {
      this.#watch(leg);
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
    this.#dropDecode();
    if (isRetryable(error)) {
      this.#next(error);
    } else {
      this.#fail(error);
    }
  }

  #prefillRefused(leg: PrefillLeg<TEngine>): void {
    this.#endPrefill("rejected");
    this.#options.told({ kind: "prefill-failed", worker: leg.worker.id, code: "rejected" });
    this.#dropDecode();
    // Whoever cannot compute the prompt does not look at it: the engine that refused says why in its own words.
    this.#fallBack(this.#options.connector.computesPrompts === false ? leg.engine : undefined);
  }

  #next(error: EngineError, mayPrefill = true): void {
    const { nextPrefill, fallsBack } = this.#options;
    const leg = mayPrefill ? nextPrefill() : undefined;
    if (leg !== undefined) {
      this.#prefill(leg);
    } else if (fallsBack) {
      this.#fallBack();
    } else {
      // Nothing shows that the decode engine could have done better with what it was promised.
      this.#lost.splice(0).forEach((lost) => lost.judge("failure"));
      this.#isDecodeSpared = true;
      this.#fail(error);
    }
  }

  #fallBack(instead?: TEngine): void {
    this.#options.told({ kind: "fell-back" });
    this.#decode(undefined, undefined, instead);
  }

  /** A decode leg that runs waits for blocks that never come. */
  #dropDecode(): void {
    this.#isFetching = false;
    this.#cancelWatch?.();
    this.#decodeCall?.cancel();
    this.#decodeCall = undefined;
  }

  #decode(requestId: string | undefined, params: string | undefined, instead?: TEngine): void {
    const { lane, isDecodeAlive } = this.#options;
    if (instead === undefined && !isDecodeAlive()) {
      this.#fail(
        new EngineError("unavailable", "the decode engine was replaced while the prompt was computed"),
      );
      return;
    }
    this.#isFetching = params !== undefined;
    this.#decodeCall = lane.decode(requestId, params, instead);
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
