import type { RouterConfig } from "@vllm-router/config";
import type { Logger } from "pino";
import type { SystemTimers } from "./fleet/timers.ts";
import type { RouterObserver } from "./observability/router-observer.ts";
import { serveMetrics } from "./routes/health.ts";
import { createRoutes } from "./routes/routes.ts";
import type { RouteServices } from "./routes/services.ts";
import { ApiKeyGuard } from "./server/api-key-guard.ts";
import { createApp } from "./server/app.ts";
import { Cors } from "./server/cors.ts";
import { listen, type Listener } from "./server/listen.ts";
import { TlsSource } from "./server/tls-source.ts";

/** Everything that listens. */
export interface Listeners extends Disposable {
  /** The one for clients. */
  readonly main: Listener;
  readonly all: readonly Listener[];
}

/** What listeners work with. */
export interface ListenerParts {
  readonly services: RouteServices;
  readonly observer: RouterObserver;
  readonly timers: SystemTimers;
  readonly logger: Logger;
}

/** The listener for clients, and the files of TLS it watches. */
export interface ClientListener extends Disposable {
  readonly listener: Listener;
}

/**
 * Listens for clients, and on the second port that serves only the metrics.
 * @throws RouterError `listen` when an address cannot be had or a file of TLS cannot be read
 */
export async function openListeners(config: RouterConfig, parts: ListenerParts): Promise<Listeners> {
  const clients = await listenForClients(config, parts);
  const main = clients.listener;
  const dispose = (): void => clients[Symbol.dispose]();
  try {
    const metrics = await listenForMetrics(config, parts);
    return { main, all: metrics === undefined ? [main] : [main, metrics], [Symbol.dispose]: dispose };
  } catch (error) {
    await main.close();
    dispose();
    throw error;
  }
}

/**
 * Listens for clients.
 * @param at the port of another thread's listener, to be shared with it; default the configuration's
 * @throws RouterError `listen` when the address cannot be had or a file of TLS cannot be read
 */
export async function listenForClients(
  config: RouterConfig,
  parts: ListenerParts,
  at: { readonly port: number; readonly isClaimed?: boolean } = config.server,
): Promise<ClientListener> {
  const { services, observer, timers } = parts;
  const shared = { observer, now: () => timers.steadyMs() };
  const apiKeys = config.access.apiKeys.filter((key) => key !== "");
  const app = createApp({
    ...shared,
    routes: createRoutes(services),
    rootPath: config.server.rootPath,
    sendsRequestId: config.server.enableRequestIdHeaders,
    requestIdHeaders: config.server.requestIdHeaders,
    guard: apiKeys.length === 0 ? undefined : new ApiKeyGuard(apiKeys, config.server.rootPath),
    cors: new Cors({
      origins: config.access.allowedOrigins,
      methods: config.access.allowedMethods,
      headers: config.access.allowedHeaders,
      credentials: config.access.allowCredentials,
    }),
  });
  const tls = tlsSource(config, parts.logger);
  const { host, unixSocket, httpServer, maxHeaderBytes, maxHeaderCount } = config.server;
  const { port, isClaimed = false } = at;
  const listener = await listen(app, {
    host,
    port,
    isClaimed,
    unixSocket,
    httpServer,
    maxHeaderBytes,
    maxHeaderCount,
    timers,
    tls,
  });
  return { listener, [Symbol.dispose]: () => tls?.[Symbol.dispose]() };
}

/**
 * Listens on the port that serves only the metrics; undefined where there is none.
 * @throws RouterError `listen` when the address cannot be had
 */
export async function listenForMetrics(
  config: RouterConfig,
  { services, observer, timers }: ListenerParts,
): Promise<Listener | undefined> {
  const { prometheusHost, prometheusPort } = config.observability;
  if (prometheusPort === 0) {
    return undefined;
  }
  const app = createApp({
    observer,
    now: () => timers.steadyMs(),
    routes: [{ path: "/metrics", methods: { GET: (scope) => serveMetrics(scope, services) } }],
  });
  return listen(app, {
    host: prometheusHost,
    port: prometheusPort,
    httpServer: config.server.httpServer,
    timers,
    flags: { host: "--prometheus-host", port: "--prometheus-port" },
  });
}

function tlsSource(config: RouterConfig, logger: Logger): TlsSource | undefined {
  const { keyFile, certificateFile, caFile, ciphers, ...others } = config.tls;
  if (keyFile === undefined || certificateFile === undefined) {
    return undefined;
  }
  return new TlsSource(
    { ...others, keyFile, certificateFile, caFile, ciphers },
    {
      refreshed: () => logger.info("key and certificate were read again"),
      refreshFailed: (error) => logger.warn({ err: error }, "the new key and certificate cannot be used"),
    },
  );
}
