import type { RouterConfig } from "@vllm-router/config";
import type { RouterObserver } from "../observability/router-observer.ts";
import { createEngineWatch, type EngineWatch } from "./engine-watch.ts";
import { kvAddresses } from "./kv-event-settings.ts";
import { KvListening } from "./kv-listening.ts";
import type { Routing } from "./routing.ts";
import type { Timers } from "./timers.ts";

/** Follows what engines tell of their load and, where a policy looks at prefixes, of their KV caches. */
export function watchEngines(
  config: Pick<RouterConfig, "kvEvents" | "routing">,
  parts: {
    readonly routing: Routing;
    readonly timers: Timers;
    readonly observer: RouterObserver;
  },
): EngineWatch {
  const { routing, timers, observer } = parts;
  const { kvEvents } = config;
  const listening =
    routing.usesPrefix && !kvEvents.disabled
      ? new KvListening({
          caches: routing.caches,
          timers,
          addresses: kvAddresses(kvEvents),
          changed: (worker, detail) => observer.kvEventsChanged?.(worker, detail),
        })
      : undefined;
  const engineWatch = createEngineWatch({
    timers,
    ledger: routing.ledger,
    loads: routing.loads,
    wantsLoad: routing.usesEngineLoad,
    pollIntervalMs: config.routing.loadPollIntervalSecs * 1000,
    ...(listening === undefined ? {} : { blocks: listening.blocks, interrupted: listening.interrupted }),
  });
  return (worker) => {
    const told = listening?.watch(worker);
    const watched = engineWatch(worker);
    return {
      [Symbol.dispose]: () => {
        watched[Symbol.dispose]();
        told?.[Symbol.dispose]();
      },
    };
  };
}
