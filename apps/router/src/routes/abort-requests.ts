import { parseAbortRequest } from "@vllm-router/api";
import type { RequestScope } from "../server/request-scope.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";

/**
 * `POST /inference/v1/abort_requests`: ends generations by the ids of their answers, at their engines. They finish with
 * the reason `abort`; ids that nobody knows are fine.
 */
export async function serveAbort(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services);
  if (received === undefined) {
    return;
  }
  services.server.abortRequests(parseAbortRequest(received.bytes));
  scope.exchange.send(200, "", {});
}
