import type { AttemptOutcome } from "../observability/router-observer.ts";
import type { Placement } from "../pipeline/placement.ts";

/** A place whose release gives the prefill leg back as well, should that not have run. */
export function withLeg<T extends Pick<Placement, "release">>(
  booked: T,
  leg: { readonly release: (outcome: AttemptOutcome) => void },
): T {
  return {
    ...booked,
    release: (outcome: AttemptOutcome) => {
      leg.release("cancelled");
      booked.release(outcome);
    },
  };
}
