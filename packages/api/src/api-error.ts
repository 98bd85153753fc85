import { pythonStringRepr } from "./json/python-text.ts";
import { pythonStr } from "./json/python-text.ts";
import type { JsonValue } from "./json/json-value.ts";
import { quoteAscii, quoteJson } from "./json/string-text.ts";
import { sanitizeMessage } from "./sanitize-message.ts";

/** What an {@link ApiError} is made of. */
export interface ApiErrorOptions {
  /** HTTP status. */
  readonly status: number;
  /** `error.type` of the body. */
  readonly type: string;
  /** `error.message` of the body, before paths and addresses are masked. */
  readonly message: string;
  /** `error.param` of the body; default null. */
  readonly param?: string | null;
  /** True for errors of the web framework itself, whose body is `{"detail": message}`. */
  readonly isFrameworkError?: boolean;
  readonly cause?: unknown;
}

/** The only error class of this package's HTTP side: an answer in OpenAI's error shape. `code` repeats the status. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly code: number;
  readonly isFrameworkError: boolean;

  constructor(options: ApiErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status;
    this.code = options.status;
    this.type = options.type;
    this.param = options.param ?? null;
    this.isFrameworkError = options.isFrameworkError ?? false;
  }
}

/** Body of an error answer: `{"error":{"message","type","param","code"}}`, or `{"detail"}` for the framework's own. */
export function errorBody(error: ApiError): string {
  if (error.isFrameworkError) return `{"detail":${quoteJson(error.message)}}`;
  const param = error.param === null ? "null" : quoteJson(error.param);
  return `{"error":{"message":${quoteJson(sanitizeMessage(error.message))},"type":${quoteJson(error.type)},"param":${param},"code":${error.code}}}`;
}

/** The same inside a stream (the text after `data: `), where vLLM prints with spaces and in ASCII. */
export function streamErrorBody(error: ApiError): string {
  const param = error.param === null ? "null" : quoteAscii(error.param);
  return `{"error": {"message": ${quoteAscii(sanitizeMessage(error.message))}, "type": ${quoteAscii(error.type)}, "param": ${param}, "code": ${error.code}}}`;
}

/** A request that vLLM refuses without naming a parameter (400 `BadRequestError`). */
export function badRequestError(message: string, param: string | null = null): ApiError {
  return new ApiError({ status: 400, type: "BadRequestError", message, param });
}

/**
 * vLLM's `VLLMValidationError`: 400 `BadRequestError` whose text ends in ` (parameter=P, value=V)`; the half that is
 * missing is left out, `value` null counts as missing.
 */
export function validationError(message: string, parameter?: string, value: JsonValue = null): ApiError {
  const extras: string[] = [];
  if (parameter !== undefined) extras.push(`parameter=${parameter}`);
  if (value !== null) extras.push(`value=${pythonStr(value)}`);
  const text = extras.length === 0 ? message : `${message} (${extras.join(", ")})`;
  return new ApiError({ status: 400, type: "BadRequestError", message: text, param: parameter ?? null });
}

/** What FastAPI's request validation refuses (400 `Bad Request`); `message` is already in vLLM's shape. */
export function requestValidationError(message: string, param: string | null): ApiError {
  return new ApiError({ status: 400, type: "Bad Request", message, param });
}

/** A Content-Type that is not `application/json`. */
export function contentTypeError(): ApiError {
  return requestValidationError(
    "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed",
    null,
  );
}

/** A body that Python's decoder gives up on: not text, nested too deep, an integer too long. */
export function unreadableBodyError(cause?: unknown): ApiError {
  return new ApiError({
    status: 400,
    type: "Bad Request",
    message: "There was an error parsing the body",
    isFrameworkError: true,
    cause,
  });
}

/** A body over the server's limit (413); vLLM has no such limit, the shape is its own. */
export function payloadTooLargeError(limitBytes: number): ApiError {
  return new ApiError({
    status: 413,
    type: "Request Entity Too Large",
    message: `The request body is larger than the limit of ${limitBytes} bytes.`,
  });
}

/** A model that is not served. `servedNames` are the names of the base model, in their order. */
export function modelNotFoundError(model: string, servedNames: readonly string[]): ApiError {
  const at = model.search(/\p{Surrogate}/u);
  if (at >= 0) {
    // vLLM fails to write the answer that repeats the name; 32 is where the name begins in it.
    const character = pythonStringRepr(model.charAt(at));
    return badRequestError(
      `'utf-8' codec can't encode character ${character} in position ${32 + at}: surrogates not allowed`,
    );
  }
  return new ApiError({
    status: 404,
    type: "NotFoundError",
    message: `The model \`${model}\` does not exist. Valid aliases: ${servedNames.join(", ")}.`,
    param: "model",
  });
}

/** Something that is not there (404 `NotFoundError`). */
export function notFoundError(message: string, param: string | null = null): ApiError {
  return new ApiError({ status: 404, type: "NotFoundError", message, param });
}

/** A request understood but impossible to process, such as media that cannot be fetched (422). */
export function unprocessableEntityError(message: string, param: string | null = null): ApiError {
  return new ApiError({ status: 422, type: "UnprocessableEntityError", message, param });
}

/** Something this server does not do (501). */
export function notImplementedError(message: string, param: string | null = null): ApiError {
  return new ApiError({ status: 501, type: "NotImplementedError", message, param });
}

/** A request field that no reachable worker can carry (501), named so that the client can leave it out. */
export function unsupportedFieldError(field: string): ApiError {
  return notImplementedError(`\`${field}\` is not supported by the engines behind this server.`, field);
}

/** A failure of the server or the engine (500). */
export function internalError(message = "Internal server error", cause?: unknown): ApiError {
  return new ApiError({ status: 500, type: "InternalServerError", message, cause });
}

/** A failure that another try may not meet (503): no engine ready, admission full. */
export function serviceUnavailableError(message: string, cause?: unknown): ApiError {
  return new ApiError({ status: 503, type: "ServiceUnavailableError", message, cause });
}

/** An exception raised by a handler, in FastAPI's manner: `type` is the HTTP phrase. */
export function httpError(status: number, phrase: string, message: string): ApiError {
  return new ApiError({ status, type: phrase, message });
}
