import { routingKeyOf, type Generation } from "@vllm-router/routing-core";
import { parseJsonBytes, type JsonValue } from "@vllm-router/api";
import type { FleetPlacer } from "../fleet/fleet-placer.ts";
import type { Timers } from "../fleet/timers.ts";
import type { RouterObserver } from "../observability/router-observer.ts";
import type { GenerationServer } from "../pipeline/generation-server.ts";
import { ProxyRun } from "../pipeline/proxy-run.ts";
import { failureCode, failureToApiError } from "../pipeline/request-failure.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { sendApiError } from "../server/send-api-error.ts";
import { randomId } from "./random-id.ts";

/** What passing a request on needs. */
export interface ProxyRouteServices {
  readonly placer: FleetPlacer;
  readonly server: GenerationServer;
  readonly timers: Timers;
  readonly observer: RouterObserver;
  readonly policyName: string;
  readonly retryDelayMs: (retry: number) => number | undefined;
}

/** Headers that belong to one connection and are not passed on (RFC 9110, 7.6.1), and those the client of the worker sets itself. */
const NOT_FORWARDED: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
  "content-length",
  "expect",
]);

/** Longest part of a body that routing looks at, in UTF-16 units. */
const ROUTING_TEXT_UNITS = 512 * 1024;

/** Passes a request on to an HTTP worker, body and answer unchanged. Resolves when it has been started. */
export async function serveProxied(
  scope: RequestScope,
  body: Uint8Array,
  services: ProxyRouteServices,
): Promise<void> {
  const { placer, server, timers, observer } = services;
  const { exchange } = scope;
  const arrivedAtMs = timers.steadyMs();
  const ticket = await server.admitted(scope);
  if (ticket === undefined) {
    return;
  }
  const queueMs = timers.steadyMs() - arrivedAtMs;
  const { incoming } = exchange;
  scope.id = exchange.header("x-request-id") ?? randomId();
  let firstByteAtMs: number | undefined;
  const model = modelOf(body);
  const run: ProxyRun = new ProxyRun(
    exchange,
    {
      method: incoming.method ?? "GET",
      path: incoming.url ?? "/",
      headers: forwardedHeaders(incoming.rawHeaders),
      body: body.length === 0 ? undefined : body,
      deadlineAtMs: undefined,
    },
    {
      place: (excludedWorkers) => placer.placeProxy(generationOf({ scope, body, model, excludedWorkers })),
      retryDelayMs: services.retryDelayMs,
      after: (delayMs, action) => timers.after(delayMs, action),
      retryScheduled: (attempt, delayMs) => observer.retryScheduled(scope.route, attempt, delayMs),
      retriesExhausted: () => observer.retriesExhausted(scope.route),
      firstByte: () => {
        firstByteAtMs ??= timers.steadyMs();
      },
      ended: (ended, end) => {
        untrack();
        ticket.release();
        if (end.kind === "failed") {
          scope.errorCode = failureCode(end.failure);
          sendApiError(exchange, failureToApiError(end.failure));
        }
        scope.generation = {
          model,
          workers: ended.workersUsed,
          policy: services.policyName,
          reason: ended.placementReason,
          attempts: ended.attempts,
          queueMs,
          firstTokenMs: firstByteAtMs === undefined ? undefined : firstByteAtMs - scope.startedAtMs,
          promptTokens: 0,
          completionTokens: 0,
          cachedTokens: 0,
          sequences: 1,
          maxTokens: 0,
          finishReasons: [],
        };
      },
    },
  );
  const untrack = server.track(run);
  run.start();
}

/** `model` of a JSON body; empty when it names none or is not JSON: then any worker will do. */
export function modelOf(body: Uint8Array): string {
  let value: JsonValue;
  try {
    value = parseJsonBytes(body);
  } catch {
    return "";
  }
  const model = value instanceof Map ? value.get("model") : undefined;
  return typeof model === "string" ? model : "";
}

function generationOf(request: {
  readonly scope: RequestScope;
  readonly body: Uint8Array;
  readonly model: string;
  readonly excludedWorkers: readonly string[];
}): Generation {
  const { scope, body } = request;
  return {
    requestId: scope.id,
    model: request.model,
    text: new TextDecoder().decode(body.subarray(0, ROUTING_TEXT_UNITS)),
    promptTokens: 0,
    maxTokens: 0,
    routingKey: routingKeyOf({ header: (name) => scope.exchange.header(name) }),
    requiredFields: [],
    excludedWorkers: request.excludedWorkers,
  };
}

function forwardedHeaders(raw: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? "";
    if (!NOT_FORWARDED.has(name.toLowerCase())) {
      kept.push(name, raw[at + 1] ?? "");
    }
  }
  return kept;
}
