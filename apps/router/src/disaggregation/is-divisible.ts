import type { PlacementRequest } from "../pipeline/placement.ts";

/**
 * Whether another engine can compute the prompt: its blocks go to one sequence (or to several where `isShared`), nothing of
 * it is to be told, and the client does not hand over blocks itself.
 */
export function isDivisible({ plan, prompt, sequences }: PlacementRequest, isShared: boolean): boolean {
  return (
    plan.kvTransferParams === undefined &&
    plan.engineFields?.ecTransferParams === undefined &&
    plan.beam === undefined &&
    prompt.sampling.promptLogprobs === undefined &&
    (sequences === 1 || isShared)
  );
}
