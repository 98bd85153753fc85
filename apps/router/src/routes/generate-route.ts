import type { JsonValue } from "@vllm-router/api";
import { routingKeyOf } from "@vllm-router/routing-core";
import type { RequestEnvelope } from "../pipeline/request-envelope.ts";
import type { RequestPlan } from "../pipeline/plan.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { modelOfRequest } from "./model-of-request.ts";
import { modelOf, serveProxied } from "./proxy-route.ts";
import { receiveJson } from "./read-json.ts";
import { baseRequestId, requestedRank, traceMetadata } from "./response-id.ts";
import type { RouteServices } from "./services.ts";

/** What every generating request has, whatever its API. */
interface GeneratingRequest {
  readonly model: string | null;
  readonly requestId: string;
  readonly user: string | null;
  readonly sessionId: string | null;
}

/** One generating API: how its body is read and its plan made. */
export interface GeneratingApi<TRequest extends GeneratingRequest> {
  /** `chatcmpl-` or `cmpl-`. */
  readonly idPrefix: string;
  /** @throws ApiError with vLLM's text */
  parse(body: JsonValue): TRequest;
  /** @throws ApiError with vLLM's text */
  prepare(request: TRequest, envelope: RequestEnvelope): RequestPlan;
}

/** Serves a generating route: on the token lane where a gRPC engine serves the model, else on the proxy lane. */
export async function serveGenerating<TRequest extends GeneratingRequest>(
  scope: RequestScope,
  api: GeneratingApi<TRequest>,
  services: RouteServices,
): Promise<void> {
  const received = await receiveJson(scope, services.maxPayloadBytes);
  if (received === undefined) {
    return;
  }
  if (isProxied(services, () => modelOf(received.bytes))) {
    await serveProxied(scope, received.bytes, services.proxy);
    return;
  }
  const request = api.parse(received.json());
  const model = modelOfRequest(request.model, services);
  await services.server.serve(scope, () =>
    api.prepare(request, {
      responseId: `${api.idPrefix}${baseRequestId(scope, { body: request.requestId, headers: services.requestIdHeaders })}`,
      created: Math.floor(services.timers.now() / 1000),
      model,
      settings: services.prepare,
      writerSettings: services.writerSettings,
      routingKey: routingKeyOf({
        header: (name) => scope.exchange.header(name),
        body: { session_id: request.sessionId, user: request.user },
      }),
      rank: requestedRank(scope),
      metadata: traceMetadata(scope),
    }),
  );
}

/** True when only HTTP workers serve the model: then the body is passed on unread. */
function isProxied(services: RouteServices, model: () => string): boolean {
  const proxied = services.fleet.snapshot("proxy").workers;
  if (proxied.length === 0) {
    return false;
  }
  if (services.fleet.snapshot("token").workers.length === 0) {
    return true;
  }
  const name = model();
  return (
    services.models.resolve(name) === undefined && proxied.some((worker) => worker.models.includes(name))
  );
}
