import { NOT_FOUND_BODY, type JsonValue } from "@vllm-router/api";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { offersTask } from "../models/offered-task.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { chooseLane } from "./choose-lane.ts";
import { modelOfRequest } from "./model-of-request.ts";
import { serveProxied } from "./proxy-route.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";

/**
 * Reads a request that is answered from a generating model's files, and finds the model.
 * @returns undefined when it is dealt with: the client left, an HTTP worker answers, or the model does not generate
 * @throws ApiError with vLLM's text
 */
export async function receiveModelRequest<TRequest extends { readonly model: string | null }>(
  scope: RequestScope,
  read: (body: JsonValue) => TRequest,
  services: RouteServices,
): Promise<{ readonly request: TRequest; readonly model: ModelRuntime } | undefined> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return undefined;
  }
  if (chooseLane(services.fleet, () => received.asProxied().model) === "proxy") {
    await serveProxied(scope, received.asProxied(), { services });
    return undefined;
  }
  const request = read(received.json());
  const model = modelOfRequest(request.model, services);
  if (!offersTask(model, "generate")) {
    scope.exchange.sendJson(404, NOT_FOUND_BODY);
    return undefined;
  }
  return { request, model };
}
