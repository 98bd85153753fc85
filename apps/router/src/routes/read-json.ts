import { parseRequestBody, payloadTooLargeError } from "@vllm-router/api";
import { readProxiedBody, type ProxiedBody } from "../server/proxied-body.ts";
import { readRequestBody } from "../server/request-body.ts";
import type { RequestScope } from "../server/request-scope.ts";
import type { ReceivedJson } from "../server/received-json.ts";
import type { RouteServices } from "./services.ts";

/** What reading bodies needs. */
export type BodyServices = Pick<RouteServices, "maxPayloadBytes" | "bodies">;

/**
 * Reads a request's body whole; once, however often it is asked for.
 * @returns undefined when the client left before it was complete
 * @throws ApiError 413 when it is larger than the limit
 */
export function receiveJson(scope: RequestScope, services: BodyServices): Promise<ReceivedJson | undefined> {
  // A route that hands its request on to another has read it already.
  scope.received ??= receive(scope, services);
  return scope.received;
}

async function receive(
  scope: RequestScope,
  { maxPayloadBytes, bodies }: BodyServices,
): Promise<ReceivedJson | undefined> {
  const result = await readRequestBody(scope.exchange.incoming, maxPayloadBytes);
  switch (result.kind) {
    case "aborted":
      return undefined;
    case "too-large":
      throw payloadTooLargeError(result.limitBytes);
    case "body": {
      scope.requestBytes = result.bytes.length;
      const { bytes } = result;
      let proxied: ProxiedBody | undefined;
      return {
        bytes,
        json: () => parseRequestBody(scope.exchange.header("content-type"), bytes, bodies),
        asProxied: () => (proxied ??= readProxiedBody(bytes)),
      };
    }
  }
}
