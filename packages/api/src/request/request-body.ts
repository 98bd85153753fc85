import { contentTypeError, unreadableBodyError } from "../api-error.ts";
import type { BodyMemory } from "../json/body-memory.ts";
import { parseJsonBytes } from "../json/decode-bytes.ts";
import { JsonError } from "../json/json-error.ts";
import type { JsonValue } from "../json/json-value.ts";
import { jsonSyntaxError } from "../validation/issue-text.ts";

const JSON_TYPE = "application/json";

/**
 * Reads the body of a JSON route as FastAPI and vLLM do together: a body that calls itself JSON is parsed first, then
 * anything but `application/json` is refused. An empty body is null, which every request parser refuses as missing.
 *
 * @param memory of earlier bodies, for the bytes are its own from then on: see {@link BodyMemory.parse}
 * @throws {@link ApiError}
 */
export function parseRequestBody(
  contentType: string | undefined,
  bytes: Uint8Array,
  memory?: BodyMemory,
): JsonValue {
  if (contentType === JSON_TYPE && bytes.length > 0) {
    return parseBody(bytes, memory);
  }
  const lowerCase = (contentType ?? "").toLowerCase();
  const [mediaType = ""] = lowerCase.split(";", 1);
  const value = bytes.length > 0 && namesJson(mediaType.trim()) ? parseBody(bytes, memory) : null;
  if (mediaType !== JSON_TYPE) throw contentTypeError();
  return value;
}

function namesJson(mediaType: string): boolean {
  const [type, subtype, ...rest] = mediaType.split("/");
  return (
    type === "application" && rest.length === 0 && (subtype === "json" || subtype?.endsWith("+json") === true)
  );
}

function parseBody(bytes: Uint8Array, memory: BodyMemory | undefined): JsonValue {
  try {
    return memory === undefined ? parseJsonBytes(bytes) : memory.parse(bytes);
  } catch (error) {
    if (error instanceof JsonError && error.code === "syntax")
      throw jsonSyntaxError(error.message, error.position);
    throw unreadableBodyError(error);
  }
}
