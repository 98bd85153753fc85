import { z } from "zod";

import { access } from "./schema/access.ts";
import { admission, breaker, health, retry } from "./schema/care.ts";
import { decisions } from "./schema/decisions.ts";
import { createDisaggregationSchema } from "./schema/disaggregation.ts";
import { kvEvents } from "./schema/kv-events.ts";
import { frontend, observability } from "./schema/frontend.ts";
import { hub, model } from "./schema/model.ts";
import { parsers } from "./schema/parsers.ts";
import { createRoutingSchema } from "./schema/routing.ts";
import { server, tls } from "./schema/server.ts";
import { engineHttpClient, engineTransport, workers } from "./schema/workers.ts";

/**
 * The one schema of the router: every flag, variable and file key comes from it.
 * @param policies names of the routing policies the app knows
 */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the schema is its own type
export function createRouterSchema(policies: readonly string[]) {
  return z
    .strictObject({
      server,
      access,
      tls,
      workers,
      engineTransport,
      engineHttpClient,
      disaggregation: createDisaggregationSchema(policies),
      routing: createRoutingSchema(policies),
      admission,
      retry,
      breaker,
      health,
      model,
      hub,
      frontend,
      parsers,
      observability,
      decisions,
      kvEvents,
    })
    .superRefine((config, context) => {
      if (config.retry.maxBackoffMs < config.retry.initialBackoffMs) {
        context.addIssue({
          code: "custom",
          path: ["retry", "maxBackoffMs"],
          message: `must not be less than --retry-initial-backoff-ms (${config.retry.initialBackoffMs})`,
        });
      }
      const { enabled, prefill, decode, discoveryAddress } = config.disaggregation;
      const isDiscovering = enabled && discoveryAddress !== undefined;
      for (const [name, urls] of [
        ["prefill", prefill],
        ["decode", decode],
      ] as const) {
        if (enabled !== urls.length > 0 && !isDiscovering) {
          context.addIssue({
            code: "custom",
            path: ["disaggregation", enabled ? "enabled" : name],
            message: enabled
              ? `needs at least one --${name}, or --vllm-discovery-address`
              : "needs --vllm-pd-disaggregation",
          });
        }
      }
      if (!enabled && discoveryAddress !== undefined) {
        context.addIssue({
          code: "custom",
          path: ["disaggregation", "discoveryAddress"],
          message: "needs --vllm-pd-disaggregation",
        });
      }
      if (enabled && config.workers.urls.length > 0) {
        context.addIssue({
          code: "custom",
          path: ["workers", "urls"],
          message: "does not go with --vllm-pd-disaggregation: every engine is --prefill or --decode",
        });
      }
      if (!enabled && config.workers.urls.length === 0) {
        context.addIssue({
          code: "custom",
          path: ["workers", "urls"],
          message: "needs at least one address",
        });
      }
      const { enableAutoToolChoice, toolCallParser } = config.parsers;
      if (enableAutoToolChoice && toolCallParser === undefined) {
        context.addIssue({
          code: "custom",
          path: ["parsers", "enableAutoToolChoice"],
          message: "requires --tool-call-parser",
        });
      }
      const { keyFile, certificateFile } = config.tls;
      if ((keyFile === undefined) !== (certificateFile === undefined)) {
        context.addIssue({
          code: "custom",
          path: ["tls", keyFile === undefined ? "keyFile" : "certificateFile"],
          message: "--ssl-keyfile and --ssl-certfile go together",
        });
      }
      const { fingerprintMode, fingerprintValue } = config.frontend;
      if (fingerprintMode === "custom" && fingerprintValue === undefined) {
        context.addIssue({
          code: "custom",
          path: ["frontend", "fingerprintValue"],
          message: "must be set with --fingerprint-mode custom",
        });
      }
    });
}

/** The schema object. */
export type RouterSchema = ReturnType<typeof createRouterSchema>;

type DeepReadonly<T> = T extends readonly (infer TItem)[]
  ? readonly DeepReadonly<TItem>[]
  : T extends object
    ? { readonly [TKey in keyof T]: DeepReadonly<T[TKey]> }
    : T;

/** The router's configuration after all sources were merged and checked. */
export type RouterConfig = DeepReadonly<z.output<RouterSchema>>;
