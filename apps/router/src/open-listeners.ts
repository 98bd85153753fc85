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

/**
 * Listens for clients, and on the second port that serves only the metrics.
 * @throws RouterError `listen` when an address cannot be had or a file of TLS cannot be read
 */
export async function openListeners(
  config: RouterConfig,
  parts: {
    readonly services: RouteServices;
    readonly observer: RouterObserver;
    readonly timers: SystemTimers;
    readonly logger: Logger;
  },
): Promise<Listeners> {
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
  const { host, port, unixSocket, httpServer, maxHeaderBytes, maxHeaderCount } = config.server;
  const limits = { maxHeaderBytes, maxHeaderCount };
  const main = await listen(app, { host, port, unixSocket, httpServer, ...limits, timers, tls });
  const { prometheusHost, prometheusPort } = config.observability;
  if (prometheusPort === 0) {
    return listeners([main], tls);
  }
  const metricsApp = createApp({
    ...shared,
    routes: [{ path: "/metrics", methods: { GET: (scope) => serveMetrics(scope, services) } }],
  });
  try {
    const flags = { host: "--prometheus-host", port: "--prometheus-port" };
    return listeners(
      [
        main,
        await listen(metricsApp, { host: prometheusHost, port: prometheusPort, httpServer, timers, flags }),
      ],
      tls,
    );
  } catch (error) {
    await main.close();
    tls?.[Symbol.dispose]();
    throw error;
  }
}

function listeners(all: readonly [Listener, ...Listener[]], tls: TlsSource | undefined): Listeners {
  return { main: all[0], all, [Symbol.dispose]: () => tls?.[Symbol.dispose]() };
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
