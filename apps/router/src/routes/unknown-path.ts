import { NOT_FOUND_BODY } from "@vllm-router/api";
import { redirectTarget, withoutTrailingSlashes } from "../server/request-path.ts";
import type { RequestScope } from "../server/request-scope.ts";
import type { Route, RouteHandler } from "../server/route-table.ts";
import { isHttpOnly } from "./choose-lane.ts";
import { serveProxied } from "./proxy-route.ts";
import { receiveJson } from "./read-json.ts";
import type { RouteServices } from "./services.ts";

/**
 * Everything that is not one of `known`: passed on when all workers speak HTTP, whatever the verb, because the worker may
 * know it; else what FastAPI answers to paths it does not know.
 */
export function unknownPath(known: readonly Route[], services: RouteServices): Route {
  const handler: RouteHandler = (scope) => {
    const here = known.filter((route) => route.elsewhere?.() === undefined);
    return serveUnknown(
      scope,
      here.map((route) => route.path),
      services,
    );
  };
  const methods = {
    GET: handler,
    POST: handler,
    PUT: handler,
    PATCH: handler,
    DELETE: handler,
    HEAD: handler,
    OPTIONS: handler,
  };
  return { path: "*", methods };
}

async function serveUnknown(
  scope: RequestScope,
  paths: readonly string[],
  services: RouteServices,
): Promise<void> {
  const { exchange } = scope;
  const path = withoutTrailingSlashes((exchange.incoming.url ?? "/").split("?", 1)[0] ?? "/");
  // The prefix of --root-path may stand before it.
  if (path !== undefined && paths.some((knownPath) => path.endsWith(knownPath))) {
    exchange.send(307, "", { location: redirectTarget(exchange.incoming) });
    return;
  }
  if (!isHttpOnly(services.fleet)) {
    exchange.sendJson(404, NOT_FOUND_BODY);
    return;
  }
  await passOn(scope, services);
}

/** Passes a request on to an HTTP worker, whatever it is. */
export async function passOn(scope: RequestScope, services: RouteServices): Promise<void> {
  const received = await receiveJson(scope, services.maxPayloadBytes);
  if (received !== undefined) {
    await serveProxied(scope, received.asProxied(), { services });
  }
}
