import { NOT_FOUND_BODY, type JsonValue } from "@vllm-router/api";
import { offersTask } from "../models/offered-task.ts";
import type { RequestEnvelope } from "../pipeline/request-envelope.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { chooseLane } from "./choose-lane.ts";
import { modelOfRequest } from "./model-of-request.ts";
import { serveProxied } from "./proxy-route.ts";
import { receiveJson } from "./read-json.ts";
import { baseRequestId } from "./response-id.ts";
import type { RouteServices } from "./services.ts";

interface RenderedRequest {
  readonly model: string | null;
  readonly requestId: string;
}

interface RenderApiOptions<TRequest extends RenderedRequest> {
  /** `chatcmpl-`, `cmpl-` … */
  readonly idPrefix: string;
  /** False where the request's own id counts alone. Default true. */
  readonly takesIdFromHeader?: boolean;
  /** @throws ApiError with vLLM's text */
  parse(body: JsonValue): TRequest;
  /** @throws ApiError with vLLM's text */
  render(request: TRequest, envelope: RequestEnvelope): string;
}

/** One render route: what its body becomes. */
export interface RenderApi {
  read(body: JsonValue): {
    readonly model: string | null;
    /** Id of the answer. */
    idOf(scope: RequestScope, services: RouteServices): string;
    render(envelope: RequestEnvelope): string;
  };
}

/** Puts a render route together. */
export function renderApi<TRequest extends RenderedRequest>(options: RenderApiOptions<TRequest>): RenderApi {
  return {
    read(body) {
      const request = options.parse(body);
      return {
        model: request.model,
        idOf: (scope, services) =>
          options.takesIdFromHeader === false
            ? request.requestId
            : options.idPrefix +
              baseRequestId(scope, { body: request.requestId, headers: services.requestIdHeaders }),
        render: (envelope) => options.render(request, envelope),
      };
    },
  };
}

/** Serves a render route: the prompt as token ids, with its sampling, and no engine asked. */
export async function serveRendered(
  scope: RequestScope,
  api: RenderApi,
  services: RouteServices,
): Promise<void> {
  const received = await receiveJson(scope, services.maxPayloadBytes);
  if (received === undefined) {
    return;
  }
  if (chooseLane(services.fleet, () => received.asProxied().model) === "proxy") {
    await serveProxied(scope, received.asProxied(), { services });
    return;
  }
  const request = api.read(received.json());
  const model = modelOfRequest(request.model, services);
  if (!offersTask(model, "generate")) {
    scope.exchange.sendJson(404, NOT_FOUND_BODY);
    return;
  }
  const text = request.render({
    responseId: request.idOf(scope, services),
    created: Math.floor(services.timers.now() / 1000),
    model,
    settings: services.prepare,
    writerSettings: services.writerSettings,
    routingKey: undefined,
    rank: undefined,
    metadata: undefined,
  });
  scope.exchange.sendJson(200, text);
}
