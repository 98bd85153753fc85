import { NOT_FOUND_BODY } from "@vllm-router/api";
import { isUpgrade } from "../server/is-upgrade.ts";
import { redirectTarget, withoutTrailingSlashes } from "../server/request-path.ts";
import type { RequestScope } from "../server/request-scope.ts";
import type { Route, RouteHandler } from "../server/route-table.ts";
import { isHttpOnly, proxyNameOf } from "./choose-lane.ts";
import { serveProxied } from "./proxy-route.ts";
import { receiveProxied } from "./receive-proxied.ts";
import type { RouteServices } from "./services.ts";
import { serveUpgrade } from "./upgrade-route.ts";

/**
 * Everything that is not one of `known`: passed on when all workers speak HTTP, whatever the verb, or when it names the
 * model of one that does, because the worker may know it; else what FastAPI answers to paths it does not know.
 */
export function unknownPath(known: readonly Route[], services: RouteServices): Route {
  const handler: RouteHandler = (scope) => {
    const here = known.filter((route) => route.elsewhere?.(undefined) === undefined);
    return serveUnknown(
      scope,
      here.map((route) => route.path),
      services,
    );
  };
  return { path: "*", methods: {}, elsewhere: () => handler };
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
  if (isUpgrade(exchange.incoming.method, exchange.header("upgrade"))) {
    await serveUpgrade(scope, services);
    return;
  }
  const { fleet } = services;
  if (fleet.snapshot("proxy").workers.length === 0) {
    exchange.sendJson(404, NOT_FOUND_BODY);
    return;
  }
  const body = await receiveProxied(scope, services);
  if (body === undefined) {
    return;
  }
  if (isHttpOnly(fleet) || (body.model !== "" && proxyNameOf(fleet, [body.model]) !== undefined)) {
    await serveProxied(scope, body, { services });
  } else {
    exchange.sendJson(404, NOT_FOUND_BODY);
  }
}

/** A handler whose answers are the router's own, unless all workers speak HTTP: then theirs count. */
export function unlessHttpOnly(handler: RouteHandler, services: RouteServices): RouteHandler {
  return (scope) => (isHttpOnly(services.fleet) ? passOn(scope, services) : handler(scope));
}

/** Passes a request on to an HTTP worker, whatever it is. */
export async function passOn(scope: RequestScope, services: RouteServices): Promise<void> {
  const body = await receiveProxied(scope, services);
  if (body !== undefined) {
    await serveProxied(scope, body, { services });
  }
}
