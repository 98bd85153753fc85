import { EngineError } from "../engine-error.ts";

const NOT_CONNECTED: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_CLOSED",
  "UND_ERR_DESTROYED",
]);

/** Turns an error of the HTTP client into ours. */
export function engineErrorFromHttp(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const code = errorCode(error);
  const reason = error instanceof Error ? `: ${error.message}` : "";
  if (NOT_CONNECTED.has(code)) {
    return new EngineError("unavailable", `the engine cannot be reached${reason}`, {
      cause: error,
      notStarted: true,
    });
  }
  if (
    (error instanceof Error && error.name === "HTTPParserError") ||
    code === "UND_ERR_HEADERS_OVERFLOW" ||
    code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH"
  ) {
    return new EngineError("protocol", `the engine's answer is not valid HTTP${reason}`, { cause: error });
  }
  if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_NOT_SUPPORTED") {
    return new EngineError("internal", `the request cannot be sent${reason}`, {
      cause: error,
      notStarted: true,
    });
  }
  return new EngineError("unavailable", `the connection to the engine was lost${reason}`, { cause: error });
}

function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if (error instanceof AggregateError) return errorCode(error.errors[0]);
  return "code" in error && typeof error.code === "string" ? error.code : "";
}
