import { httpError, isJsonInteger, type JsonObject, type JsonValue } from "@vllm-router/api";
import type { RequestScope } from "../server/request-scope.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";

/** `POST /is_scaling_elastic_ep`: engines behind the router are not scaled through it. */
export function serveIsScaling(scope: RequestScope): void {
  scope.exchange.sendJson(200, '{"is_scaling_elastic_ep":false}');
}

/** `POST /scale_elastic_ep`: the same refusals as vLLM's; what it takes fails as it does on an engine that cannot scale. */
export async function serveScale(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return;
  }
  const body = received.json();
  const member = (name: string): JsonValue | undefined =>
    body instanceof Map ? (body as JsonObject).get(name) : undefined;
  const size = member("new_data_parallel_size") ?? null;
  if (size === null) {
    throw httpError(400, "Bad Request", "new_data_parallel_size is required");
  }
  checkPositive(size, "new_data_parallel_size");
  checkPositive(member("drain_timeout") ?? 1, "drain_timeout");
  throw httpError(500, "Internal Server Error", "Scale failed");
}

function checkPositive(value: JsonValue, name: string): void {
  if (!isJsonInteger(value) || value <= 0) {
    throw httpError(400, "Bad Request", `${name} must be a positive integer`);
  }
}
