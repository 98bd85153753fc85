import type { RequestScope } from "./request-scope.ts";

/** Answers one request. What it throws becomes the answer: an ApiError its own, anything else a 500. */
export type RouteHandler = (scope: RequestScope) => Promise<void> | void;

/** Verbs a route may know. Others are answered by 405, as vLLM does; it knows HEAD of its documentation alone. */
export type RouteMethod = "GET" | "HEAD" | "POST" | "DELETE";

/** One path of the HTTP interface with the verbs it knows. */
export interface Route {
  /** Exact path, or a pattern of Hono's router. */
  readonly path: string;
  readonly methods: Readonly<Partial<Record<RouteMethod, RouteHandler>>>;
  /** Verbs that a 405 names; default all. vLLM names those that were registered first where each was for itself. */
  readonly allow?: string;
  /**
   * Who answers a verb in place of this route; asked for every request. Undefined, or giving undefined, where the route
   * itself does.
   */
  readonly elsewhere?: (method: string | undefined) => RouteHandler | undefined;
}

/** Verbs of a route in the form of an `allow` header. */
export function allowedMethods(route: Route): string {
  return route.allow ?? Object.keys(route.methods).toSorted().join(", ");
}
