import { randomUUID } from "node:crypto";
import { METHOD_NOT_ALLOWED_BODY, NOT_FOUND_BODY, UNAUTHORIZED_BODY } from "@vllm-router/api";
import { Hono } from "hono";
import type { RouterObserver } from "../observability/router-observer.ts";
import type { Answer } from "./answer.ts";
import { answerThrown } from "./answer-thrown.ts";
import type { ApiKeyGuard } from "./api-key-guard.ts";
import { Cors, isCorsPreflight, NO_ORIGINS } from "./cors.ts";
import { Exchange } from "./exchange.ts";
import type { IncomingRequest } from "./incoming-request.ts";
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
  /** Serves one request. A target that is a route's path to the letter is found at once, any other by Hono. */
  serve(request: IncomingRequest, answer: Answer): void;
}

/** What Hono hands on to the route it found. */
interface Bindings {
  readonly request: IncomingRequest;
  readonly answer: Answer;
}

let nothing: Response | undefined;

/**
 * What Hono is told when a request has been served: the answer has a way of its own. Made when it is needed, since the first `Response`
 * loads Node's undici.
 */
function answered(): Response {
  nothing ??= new Response(null);
  return nothing;
}

function toHono(running: void | Promise<void>): Response | Promise<Response> {
  return running === undefined ? answered() : running.then(answered);
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
 * Builds the application. Hono finds the route; answers are written through {@link Exchange}. Unknown
 * paths are 404 and wrong verbs 405 in FastAPI's words, a trailing slash is redirected as Starlette does, preflights of
 * browsers are answered by the rules of CORS, requests without an API key where one is needed are refused with 401.
 */
export function createApp(options: AppOptions): App {
  const app = new Hono<{ Bindings: Bindings }>({
    getPath: (request) => requestPath(request, options.rootPath),
  });
  const exact = new Map<string, Target>();
  for (const route of options.routes) {
    const target = targetOf(route);
    app.all(route.path, (c) => toHono(serve(c.env, target, options)));
    if (isLiteral(route.path) && (options.rootPath ?? "") === "") {
      exact.set(route.path, target);
    }
  }
  app.notFound((c) => {
    const path = withoutTrailingSlashes(c.req.path);
    const isRoute = path !== undefined && app.router.match("GET", path)[0].length > 0;
    return toHono(serve(c.env, isRoute ? TRAILING_SLASH : UNKNOWN_PATH, options));
  });
  return {
    serve: (request, answer) => {
      const target = exact.get(request.url);
      if (target !== undefined) {
        void serve({ request, answer }, target, options);
        return;
      }
      const asked = routingRequest(request.url);
      if (asked === undefined) {
        answer.sendWhole(400, [], "");
        return;
      }
      void app.fetch(asked, { request, answer });
    },
  };
}

/** A request of the web's API from which Hono takes the path; undefined for a target that is no address. */
function routingRequest(target: string): Request | undefined {
  try {
    return new Request(target.startsWith("/") ? `http://localhost${target}` : target);
  } catch {
    return undefined;
  }
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

function serve({ request, answer }: Bindings, target: Target, options: AppOptions): void | Promise<void> {
  const exchange = new Exchange(request, answer);
  const { observer, now } = options;
  if (options.sendsRequestId === true) {
    exchange.setHeader("x-request-id", requestIdOf(exchange, options.requestIdHeaders ?? ["x-request-id"]));
  }
  if (options.guard?.admits(exchange) === false) {
    const scope = new RequestScope(exchange, { route: target.route, observer, now });
    scope.errorCode = "unauthorized";
    exchange.sendJson(401, UNAUTHORIZED_BODY);
    return undefined;
  }
  const cors = options.cors ?? NO_CORS;
  if (isCorsPreflight(exchange)) {
    new RequestScope(exchange, { route: NO_ROUTE, observer, now });
    cors.answerPreflight(exchange);
    return undefined;
  }
  exchange.sharedHeaders = cors.headersFor(exchange);
  const scope = new RequestScope(exchange, { route: target.route, observer, now });
  try {
    const running = target.handlerOf(request.method)(scope);
    return running === undefined ? undefined : settled(running, scope, observer);
  } catch (error) {
    answerThrown(error, scope, observer);
    return undefined;
  }
}

async function settled(running: Promise<void>, scope: RequestScope, observer: RouterObserver): Promise<void> {
  try {
    await running;
  } catch (error) {
    answerThrown(error, scope, observer);
  }
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
