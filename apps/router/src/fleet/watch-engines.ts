import type { RouterConfig } from "@vllm-router/config";
import type { RoutingModels } from "../models/routing-models.ts";
import type { RouterObserver } from "../observability/router-observer.ts";
import { createEngineWatch, type EngineWatch } from "./engine-watch.ts";
import { kvAddresses } from "./kv-event-settings.ts";
import { KvListening } from "./kv-listening.ts";
import { ThreadedKvTransport } from "./kv-thread/threaded-kv-transport.ts";
import type { Routing } from "./routing.ts";
import type { Timers } from "./timers.ts";

/** Follows what engines tell of their load and, where a policy looks at prefixes, of their KV caches. */
export function watchEngines(
  config: Pick<RouterConfig, "kvEvents" | "routing">,
  parts: {
    readonly routing: Routing;
    readonly timers: Timers;
    readonly observer: RouterObserver;
    /** Learns about the models of HTTP workers; undefined where no policy looks at prompts. */
    readonly models: RoutingModels | undefined;
  },
): EngineWatch {
  const { routing, timers, observer, models } = parts;
  const { kvEvents } = config;
  const listening =
    routing.usesPrefix && !kvEvents.disabled
      ? new KvListening({
          caches: routing.caches,
          timers,
          addresses: kvAddresses(kvEvents),
          topic: kvEvents.topic,
          bind: kvEvents.bind,
          transport: new ThreadedKvTransport({
            changed: (detail) => observer.kvEventsChanged?.("", detail),
          }),
          emptied: (slot) => {
            routing.shadows?.token.clear(slot);
            routing.shadows?.proxy.clear(slot);
          },
          changed: (worker, detail) => observer.kvEventsChanged?.(worker, detail),
        })
      : undefined;
  const engineWatch = createEngineWatch({
    timers,
    ledger: routing.ledger,
    loads: routing.loads,
    wantsLoad: routing.usesEngineLoad,
    pollIntervalMs: config.routing.loadPollIntervalSecs * 1000,
    ...(models === undefined ? {} : { models }),
    ...(listening === undefined ? {} : { blocks: listening.blocks, interrupted: listening.interrupted }),
  });
  return (worker, facts) => {
    const told = listening?.watch(worker, facts);
    const watched = engineWatch(worker, facts);
    return {
      [Symbol.dispose]: () => {
        watched[Symbol.dispose]();
        told?.[Symbol.dispose]();
      },
    };
  };
}
