import type { Generation } from "../generation.ts";
import type { Snapshot } from "../snapshot.ts";
import type { DecisionLeg, NoneDecision, PlaceDecision, WaitDecision } from "./decision.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** When a prompt is not worth a prefill leg. */
export interface PairRules {
  /** Shorter prompts are computed by the decode worker; 0 for none. */
  readonly minPromptTokens: number;
  /**
   * Most tokens a decode worker computes itself of a prompt whose beginning it holds. A prompt it holds nothing of always
   * has a prefill leg.
   */
  readonly maxLocalPrefillTokens: number;
}

/**
 * Why a decision has no prefill leg: the decode worker holds the prompt; the prompt is short; the request cannot be
 * handed over; no prefill worker can take it.
 */
export type PrefillSkip = "cached" | "short" | "undivided" | "no_prefill_worker";

/** A decision of two legs, or of a decode leg alone. */
export type PairDecision =
  | {
      readonly kind: "place";
      /** In the order in which they run. */
      readonly legs: readonly DecisionLeg[];
      readonly decode: PlaceDecision;
      /** Undefined without a prefill leg. */
      readonly prefill: PlaceDecision | undefined;
      /** Why there is no prefill leg; undefined where there is one. */
      readonly skipped: PrefillSkip | undefined;
    }
  | {
      readonly kind: "not-placed";
      readonly role: "decode";
      readonly decision: WaitDecision | NoneDecision;
    };

/** Makes decisions of two legs. */
export interface PairDeciders {
  readonly prefill: Dispatcher;
  readonly decode: Dispatcher;
}

/** What is to be decided. */
export interface PairRequest {
  /** As the decode worker will see it. */
  readonly decode: Generation;
  /** As the prefill worker will see it; undefined for a generation that cannot be divided. */
  readonly prefill: Generation | undefined;
  readonly snapshot: Snapshot;
  readonly rules: PairRules;
}

/**
 * Decides both legs of a generation at one instant: where it decodes, whether it is worth a prefill leg, and where that
 * runs. Each dispatcher's latest input is then that of its leg, to be explained and settled there.
 */
export function decidePair(deciders: PairDeciders, request: PairRequest): PairDecision {
  const { snapshot, rules } = request;
  const decode = deciders.decode.decide(deciders.decode.gather(request.decode, snapshot));
  if (decode.kind !== "place") {
    return { kind: "not-placed", role: "decode", decision: decode };
  }
  const skipped = request.prefill === undefined ? "undivided" : reasonToSkip(decode, rules);
  if (request.prefill === undefined || skipped !== undefined) {
    return { kind: "place", legs: decode.legs, decode, prefill: undefined, skipped };
  }
  const prefill = deciders.prefill.decide(deciders.prefill.gather(request.prefill, snapshot));
  if (prefill.kind !== "place") {
    return { kind: "place", legs: decode.legs, decode, prefill: undefined, skipped: "no_prefill_worker" };
  }
  return { kind: "place", legs: [...prefill.legs, ...decode.legs], decode, prefill, skipped: undefined };
}

function reasonToSkip({ legs, promptTokens }: PlaceDecision, rules: PairRules): PrefillSkip | undefined {
  if (promptTokens < rules.minPromptTokens) {
    return "short";
  }
  const matched = legs[0]?.matchedTokens ?? 0;
  return matched > 0 && promptTokens - matched <= rules.maxLocalPrefillTokens ? "cached" : undefined;
}
