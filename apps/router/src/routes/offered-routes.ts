import { NOT_FOUND_BODY } from "@vllm-router/api";
import { offersTask, type RouteTask } from "../models/offered-task.ts";
import type { Route, RouteHandler, RouteMethod } from "../server/route-table.ts";
import { isHttpOnly } from "./choose-lane.ts";
import type { RouteServices } from "./services.ts";
import { passOn } from "./unknown-path.ts";

/** Paths of vLLM that ask something of the model, by their beginning; all others are there for every model. */
const TASK_PATHS: readonly (readonly [path: RegExp, task: RouteTask])[] = [
  [/^\/v1\/(chat\/|completions|responses|messages)/, "generate"],
  [/^\/(inference|cohere)\/|^\/generative_scoring$/, "generate"],
  [/^\/v1\/embeddings$|^\/v2\/embed$/, "embed"],
  [/^\/classify$/, "classify"],
  [/^\/(v1\/)?(score|rerank)$|^\/v2\/rerank$/, "scoring"],
  [/^\/pooling$/, "pooling"],
];

const notFound: RouteHandler = (scope) => scope.exchange.sendJson(404, NOT_FOUND_BODY);

/** What a route at this path asks of a model; undefined when nothing. */
function taskOfPath(path: string): RouteTask | undefined {
  return TASK_PATHS.find(([pattern]) => pattern.test(path))?.[1];
}

/**
 * A route as vLLM has it: absent, whatever the verb, where no model offers what it asks of one. An HTTP worker speaks for
 * itself; in a fleet of both kinds the model of the request decides.
 */
export function whereOffered(route: Route, services: RouteServices): Route {
  const task = taskOfPath(route.path);
  if (task === undefined) {
    return route;
  }
  return {
    ...route,
    elsewhere(method) {
      const { fleet, models } = services;
      if (isHttpOnly(fleet)) {
        const isKnown = task === "generate" && route.methods[method as RouteMethod] !== undefined;
        return isKnown ? undefined : (scope) => passOn(scope, services);
      }
      const mayBeOffered =
        models.runtimes.length === 0 ||
        models.runtimes.some((model) => offersTask(model, task)) ||
        fleet.snapshot("proxy").workers.length > 0;
      return mayBeOffered ? undefined : notFound;
    },
  };
}
