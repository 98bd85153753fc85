import type { Logger } from "pino";
import type { RouterConfig } from "@vllm-router/config";
import type { SystemTimers } from "../fleet/timers.ts";
import { listenForMetrics, type ListenerParts } from "../open-listeners.ts";
import { SHARES_PORTS } from "../server/acceptors.ts";
import type { Listener } from "../server/listen.ts";
import { refuseSettingsWithThreads } from "./refused-settings.ts";
import { RequestThreads, type StartedThread, type ThreadedParts } from "./request-threads.ts";

/**
 * The request threads that `--threads` asks for; undefined for one, which is the program's own.
 * @throws RouterError `threads` for settings that several threads cannot honour
 */
export function requestThreads(
  config: RouterConfig,
  parts: {
    readonly timers: SystemTimers;
    readonly logger: Logger;
    readonly started?: ((thread: StartedThread) => void) | undefined;
  },
): RequestThreads | undefined {
  if (config.server.threads === 1) {
    return undefined;
  }
  if (!SHARES_PORTS) {
    parts.logger.warn(
      `--threads ${config.server.threads}: several sockets cannot share a port on ${process.platform}, one thread serves`,
    );
    return undefined;
  }
  refuseSettingsWithThreads(config);
  return new RequestThreads({
    config,
    ...parts,
    givenUp: (error) => {
      parts.logger.fatal({ err: error }, error.message);
      // As with one thread: a fault nobody caught ends the program, and whoever watches it starts it anew.
      setImmediate(() => {
        throw error;
      });
    },
  });
}

/** What listens in this thread when others listen for clients. */
interface ThreadListeners extends Disposable {
  readonly main: { readonly url: string };
  readonly all: readonly Listener[];
}

/** Starts the threads, and what serves the metrics here. @throws RouterError `listen` when an address cannot be had */
export async function openThreads(
  threads: RequestThreads,
  config: RouterConfig,
  parts: ListenerParts & ThreadedParts,
): Promise<ThreadListeners> {
  const main = await threads.start(parts);
  const metrics = await listenForMetrics(config, parts);
  return { main, all: metrics === undefined ? [] : [metrics], [Symbol.dispose]: () => undefined };
}
