import type { RouterConfig } from "@vllm-router/config";
import type { Logger } from "pino";
import type { GenerationSummary, RequestSummary, RouterObserver } from "./router-observer.ts";

/** Probes and scrapes: never worth a line at `info`; what a 503 of them means is told once, as a change of state. */
const PROBE_ROUTES: ReadonlySet<string> = new Set([
  "/health",
  "/metrics",
  "/ping",
  "/liveness",
  "/readiness",
  "/load",
]);

/** Lists that user interfaces ask for again and again: their successes are not worth a line either. */
const LIST_ROUTES: ReadonlySet<string> = new Set(["/v1/models", "/workers", "/list_workers", "/get_loads"]);

/** What of the requests is logged. */
export interface RequestLogSettings {
  readonly accessLog?: boolean;
  readonly quietRoutes?: readonly string[];
  readonly errorStacks?: boolean;
}

/** What the flags want logged of the requests. */
export function requestLogSettings({
  observability,
  frontend,
}: Pick<RouterConfig, "observability" | "frontend">): RequestLogSettings {
  return {
    errorStacks: frontend.logErrorStack,
    accessLog: !observability.disableAccessLog,
    quietRoutes: observability.disableAccessLogFor,
  };
}

/**
 * Log lines of the router: one a request at its end, one a change of state. Prompts, completions, keys and bodies never
 * reach this place.
 * @param options `accessLog` false leaves out the lines of requests (default true), `quietRoutes` those of some routes;
 *   internal errors are told in any case; `errorStacks` adds where every error answer comes from
 */
export function requestLog(logger: Logger, options: RequestLogSettings = {}): RouterObserver {
  const accessLog = options.accessLog ?? true;
  const quietRoutes = new Set(options.quietRoutes);
  return {
    requestStarted: () => undefined,
    requestFinished: (summary) => {
      const isWanted = accessLog && !quietRoutes.has(summary.route);
      if (isWanted || summary.errorCode === "internal") {
        logRequest(logger, summary);
      }
    },
    decided: () => undefined,
    attemptEnded: () => undefined,
    retryScheduled: (route, attempt, delayMs) => logger.debug({ route, attempt, delayMs }, "retry scheduled"),
    retriesExhausted: (route) => logger.warn({ route }, "gave up after the last retry"),
    breakerChanged: (worker, from, to) => logger.warn({ worker, from, to }, "circuit breaker changed"),
    workerChanged: (worker, state, detail) => {
      const level = state === "unhealthy" || state === "refused" ? "warn" : "info";
      logger[level]({ worker, state, detail }, `worker ${state}`);
    },
    kvEventsChanged: (worker, detail) => logger.info({ worker }, detail),
    errorAnswered: (route, error) => {
      if (options.errorStacks === true) {
        logger.error({ route, status: error.status, stack: framesOf(error) }, "error answer");
      }
    },
    internalError: (where, error) => logger.error({ where, err: error }, "internal error"),
  };
}

function logRequest(logger: Logger, summary: RequestSummary): void {
  const level = levelOf(summary);
  if (!logger.isLevelEnabled(level)) {
    return;
  }
  const { generation, ...http } = summary;
  const line = { ...http, durationMs: tenths(http.durationMs) };
  logger[level](generation === undefined ? line : { ...line, ...withTenths(generation) }, "request");
}

function withTenths(generation: GenerationSummary): GenerationSummary {
  const { queueMs, firstTokenMs } = generation;
  return {
    ...generation,
    queueMs: tenths(queueMs),
    firstTokenMs: firstTokenMs === undefined ? undefined : tenths(firstTokenMs),
  };
}

function tenths(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}

function levelOf(summary: RequestSummary): "debug" | "info" | "error" {
  if (summary.errorCode === "internal") {
    return "error";
  }
  const { route, status } = summary;
  return PROBE_ROUTES.has(route) || (LIST_ROUTES.has(route) && status < 400) ? "debug" : "info";
}

/** Where an error was made and what had called it. Not its message, which may hold the client's words. */
function framesOf(error: Error): string {
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return frames.map((line) => line.trim()).join("\n");
}
