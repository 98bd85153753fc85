import { queryIntegerError, queryBooleanError, validationError } from "@vllm-router/api";
import { followEvents } from "../responses/follow-events.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { invalidRequest, notFound } from "./responses.ts";
import type { RouteServices } from "./services.ts";

/** `GET /v1/responses/{response_id}`: the response, or with `stream=true` the events of its stream. */
export async function serveRetrieveResponse(scope: RequestScope, services: RouteServices): Promise<void> {
  const { path, query } = placeOf(scope);
  const from = integerOf(query.get("starting_after"));
  const isStreamed = booleanOf(query.get("stream"));
  const id = idOf(path);
  const response = await services.responses?.get(id, { follows: isStreamed });
  if (response === undefined) {
    throw notFound(id);
  }
  if (!isStreamed) {
    scope.exchange.sendJson(200, response.body);
    return;
  }
  if (response.isOver && response.events.length === 0) {
    throw validationError(`Unknown response_id: ${response.id}`, "response_id", response.id);
  }
  followEvents(response, { exchange: scope.exchange, from: from === undefined ? 0 : Math.max(0, from + 1) });
}

/** `POST /v1/responses/{response_id}/cancel`. */
export async function serveCancelResponse(scope: RequestScope, services: RouteServices): Promise<void> {
  const id = idOf(placeOf(scope).path.replace(/\/cancel$/, ""));
  const cancelled = await services.responses?.cancel(id);
  if (cancelled === undefined) {
    throw notFound(id);
  }
  if (!cancelled.isCancelled) {
    throw invalidRequest("Cannot cancel a synchronous response.", "response_id");
  }
  scope.exchange.sendJson(200, cancelled.body);
}

function placeOf(scope: RequestScope): { readonly path: string; readonly query: URLSearchParams } {
  const [path = "", query = ""] = (scope.exchange.incoming.url ?? "").split("?", 2);
  return { path, query: new URLSearchParams(query) };
}

function idOf(path: string): string {
  const last = path.slice(path.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function integerOf(text: string | null): number | undefined {
  if (text === null) {
    return undefined;
  }
  if (!/^\s*[+-]?\d+\s*$/.test(text)) {
    throw queryIntegerError("starting_after", text);
  }
  return Number(text);
}

function booleanOf(text: string | null): boolean {
  switch (text?.toLowerCase()) {
    case undefined:
    case "0":
    case "off":
    case "f":
    case "false":
    case "n":
    case "no":
      return false;
    case "1":
    case "on":
    case "t":
    case "true":
    case "y":
    case "yes":
      return true;
    default:
      throw queryBooleanError("stream", text ?? "");
  }
}
