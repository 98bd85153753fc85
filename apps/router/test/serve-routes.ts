import { SystemTimers } from "../src/fleet/timers.ts";
import type { RequestSummary, RouterObserver } from "../src/observability/router-observer.ts";
import { createApp, type AppOptions } from "../src/server/app.ts";
import { listen, type Listener, type ListenOptions } from "../src/server/listen.ts";
import type { Route } from "../src/server/route-table.ts";

/** A server in this process with what it told its observer. */
export interface ServedRoutes extends AsyncDisposable {
  readonly listener: Listener;
  readonly url: string;
  readonly summaries: RequestSummary[];
  readonly internalErrors: unknown[];
  readonly started: string[];
  /** Resolves once `count` requests have begun. */
  startedCount(count: number): Promise<void>;
  /** Resolves with the summaries once there are `count`. */
  finished(count: number): Promise<readonly RequestSummary[]>;
}

/** Which HTTP server a suite runs on. */
export type HttpServerName = NonNullable<ListenOptions["httpServer"]>;

/** Both HTTP servers: what clients see of them is the same. */
export const HTTP_SERVERS: readonly HttpServerName[] = ["net", "node"];

type ServeOptions = Partial<Omit<AppOptions, "routes" | "observer" | "now">>;

/** Serves routes on one of the servers. */
export function servingOn(
  httpServer: HttpServerName,
): (routes: readonly Route[], options?: ServeOptions) => Promise<ServedRoutes> {
  return (routes, options = {}) => serveRoutes(routes, { ...options, httpServer });
}

/** Serves `routes` on a free port of this machine. */
async function serveRoutes(
  routes: readonly Route[],
  options: ServeOptions & { readonly httpServer?: HttpServerName } = {},
): Promise<ServedRoutes> {
  const timers = new SystemTimers();
  const summaries: RequestSummary[] = [];
  const internalErrors: unknown[] = [];
  const started: string[] = [];
  const looks = new Set<() => void>();
  const changed = (): void => looks.forEach((look) => look());
  const until = (isThere: () => boolean, what: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${what} did not come about within 5 s`)), 5_000);
      const look = (): void => {
        if (isThere()) {
          clearTimeout(timer);
          looks.delete(look);
          resolve();
        }
      };
      looks.add(look);
      look();
    });
  const observer: RouterObserver = {
    requestStarted: (route) => {
      started.push(route);
      changed();
    },
    requestFinished: (summary) => {
      summaries.push(summary);
      changed();
    },
    decided: () => undefined,
    attemptEnded: () => undefined,
    retryScheduled: () => undefined,
    retriesExhausted: () => undefined,
    breakerChanged: () => undefined,
    workerChanged: () => undefined,
    internalError: (_, error) => void internalErrors.push(error),
  };
  const app = createApp({ ...options, routes, observer, now: () => performance.now() });
  const listener = await listen(app, {
    host: "127.0.0.1",
    port: 0,
    timers,
    httpServer: options.httpServer ?? "net",
  });
  return {
    listener,
    url: listener.url,
    summaries,
    internalErrors,
    started,
    startedCount: (count) => until(() => started.length >= count, `${count} requests begun`),
    finished: async (count) => {
      await until(() => summaries.length >= count, `${count} requests ended`);
      return summaries;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await listener.close();
      timers[Symbol.dispose]();
    },
  };
}
