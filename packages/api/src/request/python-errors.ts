import { badRequestError, internalError, type ApiError } from "../api-error.ts";
import type { JsonValue } from "../json/json-value.ts";
import { pythonStringRepr, pythonTypeName } from "../json/python-text.ts";

/** Python's `TypeError` for looping over something that is no sequence; vLLM lets it through as a 400. */
export function notIterableError(value: JsonValue): ApiError {
  return badRequestError(`'${pythonTypeName(value)}' object is not iterable`);
}

/** Python's `TypeError` for indexing something that has no members; a 400. */
export function notSubscriptableError(value: JsonValue): ApiError {
  return badRequestError(`'${pythonTypeName(value)}' object is not subscriptable`);
}

/** Python's `AttributeError` for asking a non-object for a member; vLLM answers it with a 500. */
export function noAttributeError(value: JsonValue, attribute: string): ApiError {
  return internalError(`'${pythonTypeName(value)}' object has no attribute '${attribute}'`);
}

/** Python's `KeyError`; vLLM answers it with a 500. */
export function missingKeyError(key: string): ApiError {
  return internalError(pythonStringRepr(key));
}
