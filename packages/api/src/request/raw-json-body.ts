import { badRequestError, contentTypeError, httpError, unreadableBodyError } from "../api-error.ts";
import { parseJsonBytes } from "../json/decode-bytes.ts";
import { JsonError } from "../json/json-error.ts";
import type { JsonValue } from "../json/json-value.ts";

/**
 * Reads the body of a route that does so by itself, as vLLM's `/invocations`: the content type is looked at first, and
 * broken JSON, and bytes that are no text, are told in the words of Python's decoder.
 *
 * @throws {@link ApiError}
 */
export function parseRawJsonBody(contentType: string | undefined, bytes: Uint8Array): JsonValue {
  const [mediaType = ""] = (contentType ?? "").toLowerCase().split(";", 1);
  if (mediaType !== "application/json") throw contentTypeError();
  try {
    return parseJsonBytes(bytes);
  } catch (error) {
    if (!(error instanceof JsonError) || error.code === "too-deep") throw unreadableBodyError(error);
    if (error.code === "refused") throw badRequestError(error.message);
    const { message, position } = error;
    throw httpError(
      400,
      "Bad Request",
      `JSON decode error: ${message}: ${placeOf(new TextDecoder().decode(bytes), position)}`,
    );
  }
}

/** A position as Python's decoder gives it; characters are code points. */
function placeOf(text: string, position: number): string {
  const before = [...text].slice(0, position);
  const line = before.filter((character) => character === "\n").length + 1;
  const column = position - before.lastIndexOf("\n");
  return `line ${line} column ${column} (char ${position})`;
}
