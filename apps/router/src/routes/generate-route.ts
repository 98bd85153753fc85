import { ApiError, type JsonValue, NOT_FOUND_BODY, unsupportedFieldError } from "@vllm-router/api";
import type { OptionalField } from "@vllm-router/engine-client";
import type { FieldContext } from "../pipeline/engine-fields.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { offersTask } from "../models/offered-task.ts";
import { sourcesOf } from "../pipeline/conversation-memory.ts";
import type { RequestEnvelope } from "../pipeline/request-envelope.ts";
import type { RequestPlan } from "../pipeline/plan.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { affinityKeyOf } from "./affinity-key.ts";
import { chooseLane, proxyNameFor, proxyNameOf } from "./choose-lane.ts";
import { explainedTo } from "./explained-to.ts";
import { modelOfRequest } from "./model-of-request.ts";
import { serveProxied } from "./proxy-route.ts";
import type { ReceivedJson } from "../server/received-json.ts";
import { receiveJson } from "./read-json.ts";
import {
  baseRequestId,
  requestedPriority,
  requestedRank,
  requestedSession,
  traceMetadata,
} from "./response-id.ts";
import { mayBeLong, whenEncoded } from "./long-prompts.ts";
import type { RouteServices } from "./services.ts";

/** What every generating request has, whatever its API. */
export interface GeneratingRequest {
  readonly model: string | null;
  readonly requestId: string | null;
  readonly user: string | null;
  readonly sessionId: string | null;
}

/** One generating API: how its body is read and its plan made. */
export interface GeneratingApi<TRequest extends GeneratingRequest> {
  /** `chatcmpl-`, `cmpl-` … */
  readonly idPrefix: string;
  /** @throws ApiError with vLLM's text */
  parse(body: JsonValue): TRequest;
  /** Fields the request really uses that not every engine can carry. */
  requiredFields(request: TRequest, context: FieldContext): readonly OptionalField[];
  /** Body of an error answer once the request's own body is read; OpenAI's when absent. */
  readonly errorBody?: (error: ApiError) => string;
  /** The whole id of the answer, where it is not made of the prefix and the request's id. */
  responseId?(request: TRequest): string;
  /** Fetches what preparing needs of elsewhere; undefined where it is at hand. */
  ready?(request: TRequest): Promise<void> | undefined;
  /** @throws ApiError with vLLM's text */
  prepare(request: TRequest, envelope: RequestEnvelope): RequestPlan;
  /** Serves a prepared request in a way of its own; undefined for the ordinary one. */
  serve?(request: TRequest, running: RunningRequest): Promise<void> | undefined;
}

/** A request on its way, for APIs that serve it in a way of their own. */
export interface RunningRequest {
  readonly scope: RequestScope;
  readonly services: RouteServices;
  /** @throws ApiError with vLLM's text */
  prepare(): RequestPlan;
}

/**
 * Serves a generating route: on the token lane where a gRPC engine serves the model and can carry what the request asks
 * for, else on the proxy lane where an HTTP worker serves it.
 */
export async function serveGenerating<TRequest extends GeneratingRequest>(
  scope: RequestScope,
  api: GeneratingApi<TRequest>,
  services: RouteServices,
): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received !== undefined) {
    await serveReceivedGeneration(scope, api, { services, received });
  }
}

/** Serves a generating request whose body has been read. */
export async function serveReceivedGeneration<TRequest extends GeneratingRequest>(
  scope: RequestScope,
  api: GeneratingApi<TRequest>,
  context: { readonly services: RouteServices; readonly received: ReceivedJson },
): Promise<void> {
  const { services, received } = context;
  const { fleet } = services;
  if (chooseLane(fleet, () => received.asProxied().model) === "proxy") {
    await serveProxied(scope, received.asProxied(), { services });
    return;
  }
  const body = received.json();
  const request = api.parse(body);
  if (api.errorBody !== undefined) {
    scope.exchange.errorBody = api.errorBody;
  }
  const model = modelOfRequest(request.model, services);
  if (!offersTask(model, "generate")) {
    scope.exchange.sendJson(404, NOT_FOUND_BODY);
    return;
  }
  const fields = api.requiredFields(request, {
    priority: requestedPriority(scope),
    ignoresPriority: services.prepare.ignoresPriority,
    loraName: model.adapter?.name,
  });
  const proxyName = proxyNameFor(fleet, model.servedNames, fields);
  if (proxyName !== undefined) {
    await serveProxied(scope, received.asProxied(), { services, model: proxyName });
    return;
  }
  const fetching = api.ready?.(request);
  if (fetching !== undefined) {
    await fetching;
  }
  try {
    const prepareOn = (runtime: ModelRuntime): RequestPlan => {
      const plan = api.prepare(request, envelopeOf(scope, { api, request, body, model: runtime, services }));
      checkLateFields(plan, fields, fleet);
      return plan;
    };
    const prepare = (): RequestPlan => prepareOn(model);
    await (api.serve?.(request, { scope, services, prepare }) ??
      services.server.serve(
        scope,
        mayBeLong(scope, services) ? whenEncoded(prepareOn, { scope, model, services }) : prepare,
      ));
    // Nobody reads the body again: it must not live as long as the answer.
    scope.received = undefined;
  } catch (error) {
    // A value that the engines' protocol has no room for is found while the request is prepared.
    const fallback = isUncarried(error) ? proxyNameOf(fleet, model.servedNames) : undefined;
    if (fallback === undefined) {
      throw error;
    }
    await serveProxied(scope, received.asProxied(), { services, model: fallback });
  }
}

/**
 * Fields that the prompt alone shows to be needed are looked for among the workers once more.
 * @throws ApiError 501 where an HTTP worker is to carry them
 */
function checkLateFields(
  { requiredFields, model }: RequestPlan,
  known: readonly OptionalField[],
  fleet: RouteServices["fleet"],
): void {
  const late = requiredFields.find((field) => !known.includes(field));
  if (late !== undefined && proxyNameFor(fleet, model.servedNames, requiredFields) !== undefined) {
    throw unsupportedFieldError(late);
  }
}

function envelopeOf<TRequest extends GeneratingRequest>(
  scope: RequestScope,
  parts: {
    readonly api: GeneratingApi<TRequest>;
    readonly request: TRequest;
    readonly body: JsonValue;
    readonly model: ModelRuntime;
    readonly services: RouteServices;
  },
): RequestEnvelope {
  const { api, request, body, model, services } = parts;
  const base = (): string =>
    baseRequestId(scope, {
      body: request.requestId,
      headers: services.requestIdHeaders,
    });
  return {
    responseId: api.responseId?.(request) ?? `${api.idPrefix}${base()}`,
    created: Math.floor(services.timers.now() / 1000),
    model,
    settings: services.prepare,
    sources: sourcesOf(body),
    writerSettings: services.writerSettings,
    routingKey: affinityKeyOf(scope.exchange, services.affinity, {
      keys: { session_id: request.sessionId, user: request.user },
      body,
    }),
    rank: requestedRank(scope),
    priority: requestedPriority(scope),
    sessionId: requestedSession(scope),
    explained: explainedTo(scope.exchange, services.debug.journal),
    metadata: traceMetadata(scope),
  };
}

/** True for a refusal of a field, or of its value, that another worker might carry. */
function isUncarried(error: unknown): boolean {
  return error instanceof ApiError && error.status === 501 && error.param !== null;
}
