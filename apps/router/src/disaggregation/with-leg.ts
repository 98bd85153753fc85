import type { AttemptOutcome } from "../observability/router-observer.ts";
import type { Placement } from "../pipeline/placement.ts";

/**
 * A place whose release gives the prefill leg back as well, should that not have run. What failed for want of a prefill
 * engine does not count against the decode worker.
 */
export function withLeg<T extends Pick<Placement, "release">>(
  booked: T,
  leg: { readonly release: (outcome: AttemptOutcome) => void },
  pair: { readonly isDecodeSpared: boolean },
): T & { readonly isSpared: () => boolean } {
  return {
    ...booked,
    isSpared: () => pair.isDecodeSpared,
    release: (outcome: AttemptOutcome) => {
      leg.release("cancelled");
      booked.release(outcome === "failure" && pair.isDecodeSpared ? "cancelled" : outcome);
    },
  };
}
