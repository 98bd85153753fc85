import type { ApiError } from "../api-error.ts";
import { quoteJson } from "../json/string-text.ts";
import { sanitizeMessage } from "../sanitize-message.ts";

/** The `error` event of a stream that fails, written by `event`. */
export function errorEvent(error: ApiError, event: (type: string, members: string) => string): string {
  const message = quoteJson(sanitizeMessage(error.message));
  const parameter = error.param === null ? "null" : quoteJson(error.param);
  return event("error", `"code":${quoteJson(error.type)},"message":${message},"param":${parameter},`);
}
