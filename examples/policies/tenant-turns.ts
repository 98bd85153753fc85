// A policy that remembers: each tenant (affinity key) is served by the workers in turn.
//
//   vllm-router --worker-urls … --policy-file examples/policies/tenant-turns.ts --affinity-headers x-tenant
//
// What it remembers goes into the input in `gather` and is changed in `settle`, so that a recorded decision can be decided
// again from its input alone: vllm-router replay decisions.jsonl --policy-file examples/policies/tenant-turns.ts
import type { CustomPolicy } from "@vllm-router/routing-core";

/** Tenants that are remembered: every table needs a bound. */
const MAX_TENANTS = 10_000;

/** Per tenant, the slot (a rank of a worker) that served it last. */
const lastSlot = new Map<string, number>();

export const policy = {
  name: "tenant-turns",
  usesPrefix: false,
  usesEngineLoad: false,

  /** 1 for the workers after the last one, 0 for those up to it. */
  gather({ input, generation }) {
    const last = lastSlot.get(generation.routingKey ?? "") ?? -1;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      input.policyValues[candidate * input.valueCount] = (input.slots[candidate] ?? 0) > last ? 1 : 0;
    }
  },

  choose(input, choice) {
    let best = 0;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const isAhead = input.policyValues[candidate * input.valueCount] ?? 0;
      // The nearest one ahead, else the first of all.
      input.scores[candidate] = isAhead * 65_536 - (input.slots[candidate] ?? 0);
      best = (input.scores[candidate] ?? 0) > (input.scores[best] ?? 0) ? candidate : best;
    }
    choice.candidate = best;
    choice.reason = "turn";
  },

  settle({ input, generation }, candidate) {
    const tenant = generation.routingKey ?? "";
    lastSlot.delete(tenant);
    if (lastSlot.size >= MAX_TENANTS) {
      const [oldest = ""] = lastSlot.keys();
      lastSlot.delete(oldest);
    }
    lastSlot.set(tenant, input.slots[candidate] ?? 0);
  },
} satisfies CustomPolicy;
