import { z } from "zod";

import { setting } from "../setting.ts";

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not a header name")
  .toLowerCase();

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
      policyParameters: setting(z.record(z.string(), z.number()).default({}), {
        doc: "Parameters of the policy by their names, as JSON or one by one: --policy-parameters.prefix 3. They win over the flags above; docs/routing.md lists them.",
        flag: "policy-parameters",
        placeholder: "JSON",
      }),
      affinityHeaders: setting(z.array(headerName).default([]), {
        doc: "Request headers whose value makes the affinity key of consistent_hash, rendezvous_hash, sticky and weighted; the first one present wins. With this or --affinity-fields the Rust router's list of headers and fields is not looked at.",
        flag: "affinity-headers",
        placeholder: "NAME",
        splitOnComma: true,
      }),
      affinityFields: setting(z.array(z.string().min(1)).default([]), {
        doc: "Body fields whose value makes the affinity key where no such header is present; dots lead into objects: metadata.session.",
        flag: "affinity-fields",
        placeholder: "FIELD",
        splitOnComma: true,
      }),
      loadPollIntervalSecs: setting(z.number().min(0).default(1), {
        doc: "Pause between two questions for the load of a busy engine that does not tell it by itself, in seconds; an idle one is asked a tenth as often, and none when the policy does not look at it. 0 asks nobody.",
        flag: "load-poll-interval-secs",
        placeholder: "SECS",
      }),
      policyFile: setting(z.string().min(1).optional(), {
        doc: "TypeScript or JavaScript module with a policy of your own; it is loaded again when it changes. --policy decides when it fails.",
        flag: "policy-file",
        placeholder: "FILE",
      }),
      policyBudgetMs: setting(z.number().positive().default(10), {
        doc: "Longest time a decision of --policy-file may take, in milliseconds; after three longer ones within a minute --policy decides.",
        flag: "policy-budget-ms",
        placeholder: "MS",
      }),
      policyTimeoutMs: setting(z.number().positive().default(100), {
        doc: "Time after which a decision of --policy-file is cut, in milliseconds; --policy decides then.",
        flag: "policy-timeout-ms",
        placeholder: "MS",
      }),
      shadowPolicies: setting(z.array(z.enum(policies)).default([]), {
        doc: "Policies that decide beside --policy without effect, each with a load and a prefix index of its own, and are compared with it in metrics and explained decisions.",
        flag: "shadow-policy",
        aliases: ["shadow-policies"],
        placeholder: "NAME",
        splitOnComma: true,
      }),
    })
    .meta({ title: "Routing" });
}
