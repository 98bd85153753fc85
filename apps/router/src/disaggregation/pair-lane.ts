import type { EngineError, GenerateCall } from "@vllm-router/engine-client";
import type { EngineIdentity, LegPlan, LegWorker } from "./connector.ts";

/** How a leg's place is given back; `handed` is a success that the decode engine's fetch has yet to confirm. */
export type LegOutcome = "success" | "handed" | "failure" | "cancelled" | "rejected";

/** A prefill worker that was chosen and booked. */
export interface PrefillLeg<TEngine> {
  readonly worker: LegWorker;
  readonly engine: TEngine;
  /** Gives the place back and tells the breaker. The first call counts. */
  readonly release: (outcome: LegOutcome) => void;
  /** False once the engine is known to be gone; where it is not, it is looked at. */
  readonly isAlive: () => boolean;
  /** Whether the blocks it handed over could be fetched, told after the release if at all. */
  readonly judge: (outcome: "success" | "failure") => void;
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
  | { readonly kind: "failed"; readonly error: EngineError }
  /** The request is not one that it takes: the decode engine says so to the client in full. */
  | { readonly kind: "refused" };

/** What the two lanes do in ways of their own. */
export interface PairLane<TEngine> {
  /** Runs a prefill leg; never answers inside the call. @returns the cancellation, after which nothing is answered */
  prefill(leg: PrefillLeg<TEngine>, plan: LegPlan, answered: (answer: PrefillAnswer) => void): () => void;
  /**
   * Starts the decode leg. `requestId` is undefined where no leg went before; `instead` is the engine that is to do it
   * all where the decode engine cannot.
   */
  decode(requestId: string | undefined, params: string | undefined, instead?: TEngine): GenerateCall;
  /** Tells the owner that the pair failed. Nothing is said afterwards. */
  fail(error: EngineError): void;
}
