import { type JsonValue, NOT_FOUND_BODY, notFoundError, serviceUnavailableError } from "@vllm-router/api";
import type { OptionalField } from "@vllm-router/engine-client";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { offersTask, type RouteTask } from "../models/offered-task.ts";
import type { EmbeddingPlan } from "../pipeline/embedding-plan.ts";
import type { FieldContext } from "../pipeline/engine-fields.ts";
import type { PoolingModel } from "../pipeline/encode-pooling-prompt.ts";
import type { PoolingEnvelope } from "../pipeline/pooling-envelope.ts";
import { randomId } from "../pipeline/random-id.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { affinityKeyOf } from "./affinity-key.ts";
import { chooseLane, proxyNameFor } from "./choose-lane.ts";
import { explainedTo } from "./explained-to.ts";
import { mayBeLong, whenEncoded } from "./long-prompts.ts";
import { serveProxied } from "./proxy-route.ts";
import type { ReceivedJson } from "../server/received-json.ts";
import { receiveJson } from "./read-json.ts";
import { baseRequestId, traceMetadata } from "./response-id.ts";
import type { RouteServices } from "./services.ts";

/** What every pooling request has, whatever its API. */
export interface AnyPoolingRequest {
  readonly model: string | null;
  readonly user?: string | null;
  readonly requestId?: string | null;
}

/** One API of the pooling family: how its body is read and its plan made. */
export interface PoolingApi<TRequest extends AnyPoolingRequest> {
  readonly task: RouteTask;
  /** @throws ApiError with vLLM's text */
  parse(body: JsonValue): TRequest;
  /** Fields the request really uses that not every engine can carry. */
  requiredFields(request: TRequest, context: FieldContext): readonly OptionalField[];
  /** @throws ApiError with vLLM's text */
  prepare(request: TRequest, envelope: PoolingEnvelope): EmbeddingPlan;
}

/**
 * Serves a route of the pooling family: on the token lane where a gRPC engine serves the model and can carry what the
 * request asks for, else on the proxy lane where an HTTP worker serves it.
 */
export async function servePooling<TRequest extends AnyPoolingRequest>(
  scope: RequestScope,
  api: PoolingApi<TRequest>,
  services: RouteServices,
): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received !== undefined) {
    await serveReceivedPooling(scope, api, { services, received });
  }
}

/** Serves a request of the pooling family whose body has been read. */
export async function serveReceivedPooling<TRequest extends AnyPoolingRequest>(
  scope: RequestScope,
  api: PoolingApi<TRequest>,
  context: { readonly services: RouteServices; readonly received: ReceivedJson },
): Promise<void> {
  const { services, received } = context;
  const { fleet, models } = services;
  if (chooseLane(fleet, () => received.asProxied().model) === "proxy") {
    await serveProxied(scope, received.asProxied(), { services });
    return;
  }
  const body = received.json();
  const request = api.parse(body);
  const named = models.resolve(request.model, api.task);
  if (named !== undefined && !isPooling(named, api.task)) {
    scope.exchange.sendJson(404, NOT_FOUND_BODY);
    return;
  }
  const model = named ?? models.runtimes.find((known) => isPooling(known, api.task));
  const requireModel = (): void => {
    if (named === undefined) {
      throw notFoundError(`The model \`${request.model}\` does not exist.`);
    }
  };
  if (model === undefined || !isPooling(model, api.task)) {
    if (models.runtimes.length > 0) {
      requireModel();
    }
    throw serviceUnavailableError(`No engine is ready yet. ${fleet.readinessProblem()}`.trim());
  }
  const requiredFields = api.requiredFields(request, {
    ignoresPriority: services.prepare.ignoresPriority,
  });
  const proxyName = proxyNameFor(fleet, model.servedNames, requiredFields);
  if (named !== undefined && proxyName !== undefined) {
    await serveProxied(scope, received.asProxied(), { services, model: proxyName });
    return;
  }
  const prepareOn = (runtime: PoolingModel): EmbeddingPlan =>
    api.prepare(
      request,
      envelopeOf(scope, { request, body, requiredFields, model: runtime, requireModel, services }),
    );
  await services.embeddings.serve(
    scope,
    mayBeLong(scope, services) ? whenEncoded(prepareOn, { scope, model, services }) : () => prepareOn(model),
  );
}

function isPooling(model: ModelRuntime, task: RouteTask): model is PoolingModel {
  return model.pooling !== undefined && offersTask(model, task);
}

function envelopeOf(
  scope: RequestScope,
  parts: Pick<PoolingEnvelope, "model" | "requireModel" | "requiredFields"> & {
    readonly request: AnyPoolingRequest;
    readonly body: JsonValue;
    readonly services: RouteServices;
  },
): PoolingEnvelope {
  const { request, body, services, model, requireModel, requiredFields } = parts;
  return {
    baseId: idOf(scope, request.requestId ?? randomId(), services),
    created: Math.floor(services.timers.now() / 1000),
    model,
    requireModel,
    settings: services.prepare,
    requiredFields,
    routingKey: affinityKeyOf(scope.exchange, services.affinity, {
      keys: { user: request.user ?? null },
      body,
    }),
    explained: explainedTo(scope.exchange, services.debug.journal),
    metadata: traceMetadata(scope),
    encodeBase64: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64"),
  };
}

/** Unlike a generation, a pooling request may have the empty id. */
function idOf(scope: RequestScope, asked: string, services: RouteServices): string {
  return baseRequestId(scope, { body: asked, headers: services.requestIdHeaders });
}
