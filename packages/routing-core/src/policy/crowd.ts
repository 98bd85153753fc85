import type { DecisionInput } from "../decision/decision-input.ts";

/** How much all candidates have to do, against which one of them is crowded or spare. */
export interface Crowd {
  readonly leastInFlight: number;
  readonly meanInFlight: number;
  /** Mean of the recent work. */
  readonly meanWork: number;
}

/** Reads it from the ledger's figures, and from the value `workAt` of so many that a policy keeps per candidate. */
export function crowdOf(input: DecisionInput, workAt: number): Crowd {
  const { candidateCount, inFlightRequests, policyValues, valueCount } = input;
  let leastInFlight = Infinity;
  let allInFlight = 0;
  let allWork = 0;
  for (let candidate = 0; candidate < candidateCount; candidate += 1) {
    leastInFlight = Math.min(leastInFlight, inFlightRequests[candidate]!);
    allInFlight += inFlightRequests[candidate]!;
    allWork += policyValues[valueCount * candidate + workAt]!;
  }
  return {
    leastInFlight,
    meanInFlight: allInFlight / candidateCount,
    meanWork: allWork / candidateCount,
  };
}

/** Work that is so many times the mean keeps a worker behind the others: then no more than the mean in flight is allowed. */
const MUCH_WORK = 1.5;
/** A worker that was given less than this part of the mean does as good as nothing. */
const LITTLE_WORK = 0.1;

/** Generations in flight beyond which a worker with so much recent work is crowded. */
export function crowdedFrom({ meanInFlight, meanWork }: Crowd, work: number): number {
  return work > MUCH_WORK * meanWork ? meanInFlight : 1.5 * meanInFlight + 1;
}

/** Whether a worker with so much recent work does as good as nothing while others work. */
export function isSpare({ meanWork }: Crowd, work: number): boolean {
  return work <= LITTLE_WORK * meanWork;
}
