import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { METHOD_NOT_ALLOWED_BODY, NOT_FOUND_BODY, UNAUTHORIZED_BODY } from "@vllm-router/api";
import { Hono } from "hono";
import type { RouterObserver } from "../observability/router-observer.ts";
import { answerThrown } from "./answer-thrown.ts";
import type { ApiKeyGuard } from "./api-key-guard.ts";
import { Cors, isCorsPreflight, NO_ORIGINS } from "./cors.ts";
import { Exchange } from "./exchange.ts";
import { redirectTarget, requestPath, withoutTrailingSlashes } from "./request-path.ts";
import { RequestScope } from "./request-scope.ts";
import { allowedMethods, type Route, type RouteHandler, type RouteMethod } from "./route-table.ts";

/** What the application is built from. */
export interface AppOptions {
  readonly routes: readonly Route[];
  readonly observer: RouterObserver;
  /** Milliseconds of a clock whose zero is arbitrary; for durations. */
  readonly now: () => number;
  /** `--root-path`: prefix under which a reverse proxy publishes the server; paths work with it and without. Default none. */
  readonly rootPath?: string | undefined;
  /** `--enable-request-id-headers`: send `X-Request-Id` with every answer. Default false. */
  readonly sendsRequestId?: boolean;
  /** Names of the headers that may carry a request's id, first wins. Default `x-request-id` alone. */
  readonly requestIdHeaders?: readonly string[];
  /** Lets requests in by their API key; default everybody. */
  readonly guard?: ApiKeyGuard | undefined;
  /** What browsers of other origins may do; default nothing. */
  readonly cors?: Cors;
}

/** The HTTP application; give it to `listen`. */
export interface App {
  /** Serves any request: Hono finds the route. */
  readonly fetch: Hono<{ Bindings: HttpBindings }>["fetch"];
  /**
   * Serves a request whose target is a route's path to the letter, without the objects of the web's API that Hono needs.
   * @returns false when it is not: then `fetch` knows
   */
  serveExact(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
}

/** Where a request goes: a route's pattern for metrics, and who answers. */
interface Target {
  readonly route: string;
  handlerOf(method: string | undefined): RouteHandler;
}

const NO_CORS = new Cors(NO_ORIGINS);

/** Name of everything that is not a route, as in vLLM's metrics. */
const NO_ROUTE = "none";

const UNKNOWN_PATH: Target = {
  route: NO_ROUTE,
  handlerOf: () => (scope) => scope.exchange.sendJson(404, NOT_FOUND_BODY),
};

const TRAILING_SLASH: Target = {
  route: NO_ROUTE,
  handlerOf:
    () =>
    ({ exchange }) =>
      exchange.send(307, "", { location: redirectTarget(exchange.incoming) }),
};

/**
 * Builds the application. Hono finds the route; answers are written on Node's response through {@link Exchange}. Unknown
 * paths are 404 and wrong verbs 405 in FastAPI's words, a trailing slash is redirected as Starlette does, preflights of
 * browsers are answered by the rules of CORS, requests without an API key where one is needed are refused with 401.
 */
export function createApp(options: AppOptions): App {
  const app = new Hono<{ Bindings: HttpBindings }>({
    getPath: (request) => requestPath(request, options.rootPath),
  });
  const exact = new Map<string, Target>();
  for (const route of options.routes) {
    const target = targetOf(route);
    app.all(route.path, (c) => serve(c.env, target, options));
    if (isLiteral(route.path) && (options.rootPath ?? "") === "") {
      exact.set(route.path, target);
    }
  }
  app.notFound((c) => {
    const path = withoutTrailingSlashes(c.req.path);
    const isRoute = path !== undefined && app.router.match("GET", path)[0].length > 0;
    return serve(c.env, isRoute ? TRAILING_SLASH : UNKNOWN_PATH, options);
  });
  return {
    fetch: app.fetch,
    serveExact: (incoming, outgoing) => {
      const target = exact.get(incoming.url ?? "");
      if (target === undefined) {
        return false;
      }
      void serve({ incoming, outgoing }, target, options);
      return true;
    },
  };
}

/** True for a path that is no pattern; what comes before it in the table must not match it either. */
function isLiteral(path: string): boolean {
  return !/[:*{]/.test(path);
}

function targetOf(route: Route): Target {
  const allow = allowedMethods(route);
  const wrongVerb: RouteHandler = ({ exchange }) =>
    exchange.send(405, METHOD_NOT_ALLOWED_BODY, { allow, "content-type": "application/json" });
  return {
    route: route.path,
    handlerOf: (method) => route.elsewhere?.(method) ?? route.methods[method as RouteMethod] ?? wrongVerb,
  };
}

function serve(
  { incoming, outgoing }: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse },
  target: Target,
  options: AppOptions,
): Response | Promise<Response> {
  const exchange = new Exchange(incoming, outgoing);
  const { observer, now } = options;
  if (options.sendsRequestId === true) {
    exchange.setHeader("x-request-id", requestIdOf(exchange, options.requestIdHeaders ?? ["x-request-id"]));
  }
  if (options.guard?.admits(exchange) === false) {
    const scope = new RequestScope(exchange, { route: target.route, observer, now });
    scope.errorCode = "unauthorized";
    exchange.sendJson(401, UNAUTHORIZED_BODY);
    return RESPONSE_ALREADY_SENT;
  }
  const cors = options.cors ?? NO_CORS;
  if (isCorsPreflight(exchange)) {
    new RequestScope(exchange, { route: NO_ROUTE, observer, now });
    cors.answerPreflight(exchange);
    return RESPONSE_ALREADY_SENT;
  }
  exchange.sharedHeaders = cors.headersFor(exchange);
  const scope = new RequestScope(exchange, { route: target.route, observer, now });
  try {
    const running = target.handlerOf(incoming.method)(scope);
    return running === undefined ? RESPONSE_ALREADY_SENT : settled(running, scope, observer);
  } catch (error) {
    answerThrown(error, scope, observer);
    return RESPONSE_ALREADY_SENT;
  }
}

async function settled(
  running: Promise<void>,
  scope: RequestScope,
  observer: RouterObserver,
): Promise<Response> {
  try {
    await running;
  } catch (error) {
    answerThrown(error, scope, observer);
  }
  return RESPONSE_ALREADY_SENT;
}

function requestIdOf(exchange: Exchange, names: readonly string[]): string {
  for (const name of names) {
    const value = exchange.header(name.toLowerCase());
    if (value !== undefined && value !== "") {
      return value;
    }
  }
  return randomUUID().replaceAll("-", "");
}
