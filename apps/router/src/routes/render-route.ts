import type { JsonValue } from "@vllm-router/api";
import type { RequestEnvelope } from "../pipeline/request-envelope.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { baseRequestId } from "./response-id.ts";
import { receiveModelRequest } from "./receive-model-request.ts";
import type { RouteServices } from "./services.ts";

interface RenderedRequest {
  readonly model: string | null;
  readonly requestId: string | null;
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
          options.idPrefix +
          baseRequestId(scope, {
            body: request.requestId,
            headers: options.takesIdFromHeader === false ? [] : services.requestIdHeaders,
          }),
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
  const received = await receiveModelRequest(scope, (body) => api.read(body), services);
  if (received === undefined) {
    return;
  }
  const { request, model } = received;
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
