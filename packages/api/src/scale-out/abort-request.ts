import { httpError, internalError, unreadableBodyError } from "../api-error.ts";
import { parseJsonBytes } from "../json/decode-bytes.ts";
import { JsonError } from "../json/json-error.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { pythonTypeName } from "../json/python-text.ts";

/**
 * Reads the body of `POST /inference/v1/abort_requests`: the ids to abort. vLLM looks at nothing but `request_ids` and
 * takes any content type; ids that are no text are nobody's.
 *
 * @throws {@link ApiError} with vLLM's text
 */
export function parseAbortRequest(bytes: Uint8Array): readonly string[] {
  const body = readBody(bytes);
  if (!(body instanceof Map)) {
    throw internalError(`'${pythonTypeName(body)}' object has no attribute 'get'`);
  }
  const ids = (body as JsonObject).get("request_ids") ?? null;
  if (ids === null) throw httpError(400, "Bad Request", "Missing 'request_ids' in request body");
  if (typeof ids === "string") return [ids];
  return isJsonArray(ids) ? ids.filter((id) => typeof id === "string") : [];
}

function readBody(bytes: Uint8Array): JsonValue {
  try {
    return parseJsonBytes(bytes);
  } catch (error) {
    if (!(error instanceof JsonError) || error.code !== "syntax") throw unreadableBodyError(error);
    const place = placeOf(bytes, error.position);
    throw httpError(400, "Bad Request", `JSON decode error: ${error.message}: ${place}`);
  }
}

declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

/** A position as Python's decoder tells it. */
function placeOf(bytes: Uint8Array, position: number): string {
  const before = [...new TextDecoder().decode(bytes)].slice(0, position);
  const line = before.filter((character) => character === "\n").length + 1;
  const column = position - before.lastIndexOf("\n");
  return `line ${line} column ${column} (char ${position})`;
}
