import { ApiError, internalError } from "@vllm-router/api";
import type { RouterObserver } from "../observability/router-observer.ts";
import type { RequestScope } from "./request-scope.ts";
import { sendApiError } from "./send-api-error.ts";

/** Codes of thrown errors for logs and metrics; other statuses below 500 are `invalid_request`, above `internal`. */
const ERROR_CODES: ReadonlyMap<number, string> = new Map([
  [404, "not_found"],
  [413, "payload_too_large"],
  [501, "unsupported_field"],
  [503, "unavailable"],
]);

/**
 * Answers a request whose handler threw: an ApiError with its own body, anything else (a bug) with a plain 500 that gives
 * nothing away, and the observer told. An answer that had begun cannot be completed: its connection is cut.
 */
export function answerThrown(error: unknown, scope: RequestScope, observer: RouterObserver): void {
  const { exchange } = scope;
  if (error instanceof ApiError) {
    scope.errorCode ??=
      ERROR_CODES.get(error.status) ?? (error.status < 500 ? "invalid_request" : "internal");
    observer.errorAnswered?.(scope.route, error);
    sendApiError(exchange, error);
  } else {
    scope.errorCode = "internal";
    observer.internalError(scope.route, error);
    sendApiError(exchange, internalError());
  }
  if (!exchange.ended && exchange.committed) {
    exchange.destroy();
  }
}
