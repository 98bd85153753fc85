// A policy of your own: the cheapest worker that is not busy, and the worker that knows the prompt if it saves enough.
//
//   vllm-router --worker-urls … --policy-file examples/policies/cheap-first.ts
//
// `import type` leaves nothing at run time, so the file needs no node_modules beside it.
import type { CustomPolicy } from "@vllm-router/routing-core";

/** More requests than this in flight, and a worker counts as busy. */
const BUSY_REQUESTS = 32;
/** Tokens found in a cache that are worth as much as a price lower by 1. */
const TOKENS_PER_PRICE = 4096;

export const policy = {
  name: "cheap-first",

  /** Higher is better; among equals the least loaded worker is taken, then one is drawn. */
  score(input, candidate) {
    const saved = (input.matchedTokens[candidate] ?? 0) / TOKENS_PER_PRICE;
    const price = input.costs[candidate] ?? 1;
    const requests = (input.inFlightRequests[candidate] ?? 0) + (input.foreignRequests[candidate] ?? 0);
    return saved - price - (requests > BUSY_REQUESTS ? requests : 0);
  },
} satisfies CustomPolicy;
