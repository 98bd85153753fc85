import { z } from "zod";

import { setting } from "../setting.ts";

const LARGEST_COUNT = 2 ** 31 - 1;

/** How a worker is chosen. The names of the policies come from the app. */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the schema is its own type
export function createRoutingSchema(policies: readonly string[]) {
  return z
    .strictObject({
      policy: setting(z.enum(policies).default("cache_aware"), {
        doc: "How a worker is chosen for a request.",
        flag: "policy",
      }),
      cacheThreshold: setting(z.number().min(0).max(1).default(0.3), {
        doc: "cache_aware: least share of the prompt that must be in a worker's cache for the cache to decide, 0 to 1.",
        flag: "cache-threshold",
        placeholder: "RATIO",
      }),
      balanceAbsThreshold: setting(z.int().min(0).max(LARGEST_COUNT).default(64), {
        doc: "cache_aware: load counts as unbalanced when the busiest worker has this many requests more than the idlest, and the relative threshold is passed too.",
        flag: "balance-abs-threshold",
        placeholder: "COUNT",
      }),
      balanceRelThreshold: setting(z.number().min(1).max(1e9).default(1.5), {
        doc: "cache_aware: load counts as unbalanced when the busiest worker has this many times the requests of the idlest, and the absolute threshold is passed too.",
        flag: "balance-rel-threshold",
        placeholder: "RATIO",
      }),
      evictionIntervalSecs: setting(z.int().min(1).max(LARGEST_COUNT).default(120), {
        doc: "cache_aware: longest time for which the prefix index may exceed its bound, in seconds. It is trimmed at every insertion, so any value is met.",
        flag: "eviction-interval-secs",
        aliases: ["eviction-interval"],
        placeholder: "SECS",
      }),
      maxTreeSize: setting(z.int().min(1).default(67_108_864), {
        doc: "cache_aware: bound of the prefix index, in tokens per worker.",
        flag: "max-tree-size",
        placeholder: "TOKENS",
      }),
    })
    .meta({ title: "Routing" });
}
