import type { ApiError } from "@vllm-router/api";
import type { ClientSide } from "./exchange.ts";

/** Statuses that a client may simply try again, and after how many seconds. */
const RETRY_AFTER_SECONDS: ReadonlyMap<number, string> = new Map([
  [429, "1"],
  [503, "1"],
]);

/** Answers with an error in the shape of the request's API. Does nothing when an answer has begun already. */
export function sendApiError(exchange: ClientSide, error: ApiError): void {
  const retryAfter = RETRY_AFTER_SECONDS.get(error.status);
  if (retryAfter !== undefined) {
    exchange.setHeader("retry-after", retryAfter);
  }
  exchange.sendJson(error.status, exchange.errorBody(error));
}
