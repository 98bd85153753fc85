import type { AdmissionTicket, Generation } from "@vllm-router/routing-core";
import { isDivisible } from "../disaggregation/http-legs.ts";
import { proxiedMaxTokens, proxiedPrompt } from "../pipeline/proxied-prompt.ts";
import { ProxyRun, type ProxyEnd } from "../pipeline/proxy-run.ts";
import { randomId } from "../pipeline/random-id.ts";
import { failureCode } from "../pipeline/request-failure.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { affinityKeyOf } from "./affinity-key.ts";
import { proxyNameOf } from "./choose-lane.ts";
import { explainedTo } from "./explained-to.ts";
import type { ProxiedBody } from "../server/proxied-body.ts";
import { requestedRank } from "./response-id.ts";
import type { ProxyRouteServices, RouteServices } from "./services.ts";

/** What belongs to one request that is being passed on. */
interface Passage {
  readonly body: ProxiedBody;
  readonly services: ProxyRouteServices;
  readonly ticket: AdmissionTicket;
  /** Name of a served model, or empty: what a client made up must not become a label of metrics. */
  readonly model: string;
  readonly queueMs: number;
}

/**
 * Passes a request on to an HTTP worker, body and answer unchanged. Resolves when it has been started. It goes to a
 * worker of `model`; without one to a worker of the model that the body names; where none serves that, to any: the answer
 * is then in vLLM's own words.
 */
export async function serveProxied(
  scope: RequestScope,
  body: ProxiedBody,
  context: { readonly services: RouteServices; readonly model?: string },
): Promise<void> {
  const { fleet, proxy } = context.services;
  const { server, timers } = proxy;
  const arrivedAtMs = timers.steadyMs();
  const ticket = await server.admitted(scope);
  if (ticket === undefined) {
    return;
  }
  const queueMs = timers.steadyMs() - arrivedAtMs;
  scope.id = scope.exchange.header("x-request-id") ?? randomId();
  const model = context.model ?? proxyNameOf(fleet, [body.model]) ?? "";
  try {
    startRun(scope, { body, services: proxy, ticket, model, queueMs });
  } catch (error) {
    ticket.release();
    throw error;
  }
}

function startRun(scope: RequestScope, passage: Passage): void {
  const { body, services, ticket } = passage;
  const { placer, server, timers, observer } = services;
  const { exchange } = scope;
  const { incoming } = exchange;
  const { generation, text } = generationOf(scope, passage);
  const explained = explainedTo(exchange, services.journal);
  let firstByteAtMs: number | undefined;
  const run: ProxyRun = new ProxyRun(
    exchange,
    {
      method: incoming.method ?? "GET",
      path: incoming.url ?? "/",
      // The engine client leaves out what belongs to this connection.
      headers: incoming.rawHeaders,
      body: body.stream ?? (body.bytes.length === 0 ? undefined : body.bytes),
      deadlineAtMs: undefined,
    },
    {
      place: (excludedWorkers) =>
        placer.placeProxy({ ...generation, text: text?.(), excludedWorkers }, explained, (isShared) =>
          isDivisible(
            { method: incoming.method ?? "GET", path: incoming.url ?? "/", fields: body.fields },
            isShared,
          ),
        ),
      retryDelayMs: services.retryDelayMs,
      after: (delayMs, action) => timers.after(delayMs, action),
      retryScheduled: (attempt, delayMs) => observer.retryScheduled(scope.route, attempt, delayMs),
      retriesExhausted: () => observer.retriesExhausted(scope.route),
      internalError: (where, error) => observer.internalError(where, error),
      firstByte: () => {
        firstByteAtMs ??= timers.steadyMs();
      },
      ended: (ended, end) => {
        untrack();
        ticket.release();
        summarise(scope, passage, { run: ended, end, firstByteAtMs });
      },
    },
  );
  const untrack = server.track(run);
  run.start();
}

function summarise(
  scope: RequestScope,
  passage: Passage,
  outcome: { readonly run: ProxyRun; readonly end: ProxyEnd; readonly firstByteAtMs: number | undefined },
): void {
  const { run, end, firstByteAtMs } = outcome;
  if (end.kind === "failed") {
    scope.errorCode = failureCode(end.failure);
  }
  scope.generation = {
    model: passage.model,
    workers: run.workersUsed,
    policy: passage.services.policyName,
    reason: run.placementReason,
    attempts: run.attempts,
    queueMs: passage.queueMs,
    firstTokenMs: firstByteAtMs === undefined ? undefined : firstByteAtMs - scope.startedAtMs,
    promptTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
    sequences: 1,
    maxTokens: 0,
    finishReasons: [],
  };
}

/** @returns what routing goes by; its text apart, to be made when it is looked at */
function generationOf(
  scope: RequestScope,
  { body, model, services }: Passage,
): { readonly generation: Generation; readonly text: (() => Uint8Array) | undefined } {
  const { exchange } = scope;
  const path = (exchange.incoming.url ?? "/").split("?", 1)[0] ?? "/";
  const runtime = services.modelOf(model === "" ? body.model : model);
  const prompt = proxiedPrompt(path, body, { model: runtime, settings: services.prepare });
  const salt = body.get("cache_salt");
  const generation: Generation = {
    requestId: scope.id,
    model,
    tokenIds: prompt.tokenIds,
    promptTokens: prompt.tokenIds?.length ?? 0,
    maxTokens: proxiedMaxTokens(body),
    routingKey: affinityKeyOf(exchange, services.affinity, { keys: body.keys, body }),
    loraName: services.isAdapter(model) ? model : undefined,
    cacheSalt: typeof salt === "string" ? salt : undefined,
    rank: requestedRank(scope),
    requiredFields: [],
    excludedWorkers: [],
  };
  return { generation, text: prompt.text };
}
