import type { ShadowDecision, ShadowPolicies, ShadowSettlement, Snapshot } from "@vllm-router/routing-core";
import type { Lane } from "../fleet/lane.ts";
import type { DecisionObserver } from "../observability/decision-observer.ts";
import { promptBytes } from "./remote-shadows.ts";
import type { PlacementId, ShadowRecord } from "./shadow-messages.ts";

/** What {@link ShadowReceiver} works with. */
export interface ShadowReceiverOptions {
  readonly shadows: Readonly<Record<Lane, ShadowPolicies>>;
  readonly fleet: { snapshot(lane: Lane): Snapshot };
  readonly observer: Pick<DecisionObserver, "shadowed" | "shadowsDropped">;
}

/** Has the shadow policies decide on what all request threads place, in the order in which it is heard. */
export class ShadowReceiver {
  readonly #options: ShadowReceiverOptions;
  readonly #running = new Map<number, Map<PlacementId, ShadowSettlement>>();

  constructor(options: ShadowReceiverOptions) {
    this.#options = options;
  }

  /** Takes what a thread tells. @returns how much of it were placements */
  receive(
    thread: number,
    records: readonly ShadowRecord[],
    dropped: number,
  ): { readonly placements: number; readonly bytes: number } {
    const { observer } = this.#options;
    const running = this.#running.get(thread) ?? new Map<PlacementId, ShadowSettlement>();
    this.#running.set(thread, running);
    let placements = 0;
    let bytes = 0;
    for (const record of records) {
      if (record.kind === "placed") {
        placements += 1;
        bytes += promptBytes(record.generation);
      }
      this.#take(running, record);
    }
    if (dropped > 0) {
      observer.shadowsDropped(dropped);
    }
    return { placements, bytes };
  }

  /** What shadows would have done in place of a placement that has not been released. */
  decisionsOf(thread: number, placement: PlacementId | undefined): readonly ShadowDecision[] {
    return placement === undefined ? [] : (this.#running.get(thread)?.get(placement)?.decisions ?? []);
  }

  /** A thread is gone, and its requests with it. */
  forgetThread(thread: number): void {
    for (const settlement of this.#running.get(thread)?.values() ?? []) {
      settlement.release();
    }
    this.#running.delete(thread);
  }

  #take(running: Map<PlacementId, ShadowSettlement>, record: ShadowRecord): void {
    const { shadows, fleet, observer } = this.#options;
    const { placement } = record;
    if (record.kind === "placed") {
      const { lane, generation, slot, role, computesPrompt } = record;
      const actual = { legs: [{ slot }], role, computesPrompt };
      running.set(placement, shadows[lane].observe(generation, fleet.snapshot(lane), actual));
      return;
    }
    const settlement = running.get(placement);
    switch (record.kind) {
      case "compared": {
        const { policy, matchedTokens, promptTokens } = record;
        observer.shadowed({ policy, matchedTokens, promptTokens, shadows: settlement?.decisions ?? [] });
        return;
      }
      case "first-output":
        settlement?.firstOutput();
        return;
      case "output":
        settlement?.addOutput(record.tokens);
        return;
      case "released":
        settlement?.release();
        running.delete(placement);
    }
  }
}
