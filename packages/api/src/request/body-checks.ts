import { validationError } from "../api-error.ts";
import { JsonFloat, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { codePointLength, isTruthy } from "../json/python-text.ts";
import { writeJson } from "../json/write-json.ts";
import { freshState, isIssues } from "../validation/validator.ts";
import { structuralTagResponseFormat } from "./output-shapes.ts";
import { noAttributeError } from "./python-errors.ts";
import { isStructuralTag } from "./structural-tag.ts";

const MAX_CACHE_SALT_LENGTH = 128;
const CACHE_SALT_FORBIDDEN = /[@/\\\0]/;

/** The number behind a raw value where Python counts it as one (booleans too); undefined otherwise. */
export function rawNumber(value: JsonValue | undefined): number | undefined {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean")
    return Number(value);
  return value instanceof JsonFloat ? value.value : undefined;
}

/** `stream_options` only with `stream`. */
export function checkStreamOptions(body: JsonObject): JsonObject {
  if (isTruthy(body.get("stream_options")) && !isTruthy(body.get("stream"))) {
    throw validationError("Stream options can only be defined when `stream=True`.", "stream_options");
  }
  return body;
}

/** `prompt_logprobs`, and the field with which the request asks for output logprobs, hold numbers. */
export function checkLogprobNumbers(body: JsonObject, outputField: "top_logprobs" | "logprobs"): void {
  for (const name of ["prompt_logprobs", outputField]) {
    const value = body.get(name) ?? null;
    if (value !== null && rawNumber(value) === undefined) {
      throw validationError(`\`${name}\` must be an integer.`, name, value);
    }
  }
}

/** `prompt_logprobs` is a count or -1, and not for streams. */
export function checkPromptLogprobs(body: JsonObject): void {
  const value = body.get("prompt_logprobs") ?? null;
  const count = rawNumber(value);
  if (count === undefined) return;
  if (isTruthy(body.get("stream")) && (count > 0 || count === -1)) {
    throw validationError("`prompt_logprobs` are not available when `stream=True`.", "prompt_logprobs");
  }
  if (count < 0 && count !== -1) {
    throw validationError("`prompt_logprobs` must be a positive value or -1.", "prompt_logprobs", value);
  }
}

/** `response_format` of type `json_schema` brings a schema; structural tags are well formed. */
export function checkResponseFormat(body: JsonObject): JsonObject {
  const format = body.get("response_format");
  if (!(format instanceof Map)) return body;
  const type = (format as JsonObject).get("type");
  if (type === "json_schema" && ((format as JsonObject).get("json_schema") ?? null) === null) {
    throw validationError(
      "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
      "response_format",
    );
  }
  if (type === "structural_tag") {
    const value = structuralTagResponseFormat.validate(format, freshState());
    if (isIssues(value) || !isStructuralTag(writeJson(value))) {
      throw validationError("Invalid response_format structural_tag specification.", "response_format");
    }
  }
  return body;
}

/** Count of the constraints that exclude each other at first sight. */
export function countConstraints(structuredOutputs: JsonValue): number {
  if (!(structuredOutputs instanceof Map)) throw noAttributeError(structuredOutputs, "get");
  const given = ["json", "regex", "choice"].filter(
    (name) => ((structuredOutputs as JsonObject).get(name) ?? null) !== null,
  );
  return given.length;
}

/** A structural tag in `structured_outputs` is well formed. */
export function checkStructuralTag(structuredOutputs: JsonObject): void {
  const tag = structuredOutputs.get("structural_tag") ?? null;
  if (tag === null || (typeof tag === "string" && isStructuralTag(tag))) return;
  throw validationError("Invalid structured_outputs structural_tag specification.", "structured_outputs");
}

/** `cache_salt` is a short string without separators. */
export function checkCacheSalt(body: JsonObject): JsonObject {
  const salt = body.get("cache_salt") ?? null;
  if (salt === null) return body;
  if (typeof salt !== "string" || salt === "") {
    throw validationError("Parameter 'cache_salt' must be a non-empty string if provided.", "cache_salt");
  }
  if (codePointLength(salt) > MAX_CACHE_SALT_LENGTH || CACHE_SALT_FORBIDDEN.test(salt)) {
    throw validationError(
      "Parameter 'cache_salt' must be at most 128 characters and must not contain '@', '/', '\\\\', or NUL.",
      "cache_salt",
    );
  }
  return body;
}

/** The deprecated `return_mm_kwargs: false` means `mm_payload: "none"`. */
export function applyMediaPayloadAlias(body: JsonObject): JsonObject {
  if (body.get("return_mm_kwargs") !== false || body.has("mm_payload")) return body;
  return new Map(body).set("mm_payload", "none");
}
