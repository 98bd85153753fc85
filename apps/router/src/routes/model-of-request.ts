import { modelNotFoundError, serviceUnavailableError } from "@vllm-router/api";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { proxiedModelNames } from "./proxied-models.ts";
import type { RouteServices } from "./services.ts";

/**
 * The served model that a request names, or the only one when it names none.
 * @throws ApiError 404 with vLLM's text; 503 with the reason while no engine is ready
 */
export function modelOfRequest(name: string | null, services: RouteServices): ModelRuntime {
  const model = services.models.resolve(name);
  if (model !== undefined) {
    return model;
  }
  if (services.models.runtimes.length === 0) {
    throw serviceUnavailableError(`No engine is ready yet. ${services.fleet.readinessProblem()}`.trim());
  }
  const names = [...services.models.names(), ...proxiedModelNames(services)];
  throw modelNotFoundError(name ?? "", [...new Set(names)]);
}
