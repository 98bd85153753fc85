import {
  ApiError,
  badRequestError,
  internalError,
  notImplementedError,
  payloadTooLargeError,
  serviceUnavailableError,
  unsupportedFieldError,
} from "@vllm-router/api";
import type { EngineError, EngineErrorCode } from "@vllm-router/engine-client";
import type { PlacementFailure } from "./placement.ts";

/** Everything that can end a valid request badly. */
export type RequestFailure =
  | { readonly kind: "not-placed"; readonly failure: PlacementFailure }
  | { readonly kind: "engine"; readonly error: EngineError }
  /** What the model said has no place in the answer that was asked for. */
  | { readonly kind: "refused-output"; readonly error: ApiError }
  /** The client sent more than is taken, which showed only on the way. */
  | { readonly kind: "body-too-large"; readonly limitBytes: number }
  | { readonly kind: "queue-full" }
  | { readonly kind: "queue-timeout" }
  | { readonly kind: "stopping" };

/** Codes told to metrics and logs. Closed: a new one is added here. */
export type RequestFailureCode =
  | PlacementFailure["code"]
  | EngineErrorCode
  | "refused_output"
  | "payload_too_large"
  | "queue_full"
  | "queue_timeout"
  | "stopping";

/** The one table from engine errors to HTTP: what the client is told, with vLLM's own types where it has one. */
const ENGINE_ERRORS: Readonly<Record<EngineErrorCode, (error: EngineError) => ApiError>> = {
  rejected: (error) => badRequestError(error.message, parameterOf(error.message)),
  unavailable: (error) =>
    serviceUnavailableError(
      "The engine is not reachable, and no other engine could take the request.",
      error,
    ),
  overloaded: (error) => serviceUnavailableError("The engines are overloaded. Try again later.", error),
  unimplemented: (error) => notImplementedError(error.message),
  protocol: (error) =>
    new ApiError({
      status: 502,
      type: "BadGatewayError",
      message: "The engine's answer could not be understood.",
      cause: error,
    }),
  deadline_exceeded: (error) =>
    new ApiError({
      status: 504,
      type: "GatewayTimeoutError",
      message: "The engine did not finish within the request's time limit.",
      cause: error,
    }),
  cancelled: (error) => serviceUnavailableError("The engine cancelled the request.", error),
  internal: (error) => internalError("Internal server error", error),
};

/** How engines begin what they say of a constraint that they cannot compile. */
const CONSTRAINT_REFUSAL = "Invalid grammar specification";

/**
 * The answer to a failed request.
 * @param constraintRefusal said in place of the engine's words about a constraint
 */
export function failureToApiError(failure: RequestFailure, constraintRefusal?: ApiError): ApiError {
  switch (failure.kind) {
    case "engine": {
      const { error } = failure;
      const isRefused = error.code === "rejected" && error.message.startsWith(CONSTRAINT_REFUSAL);
      return (isRefused ? constraintRefusal : undefined) ?? ENGINE_ERRORS[error.code](error);
    }
    case "refused-output":
      return failure.error;
    case "not-placed":
      return placementError(failure.failure);
    case "body-too-large":
      return payloadTooLargeError(failure.limitBytes);
    case "queue-full":
      return new ApiError({
        status: 429,
        type: "TooManyRequestsError",
        message: "Too many requests: the router's queue is full. Try again later.",
      });
    case "queue-timeout":
      return new ApiError({
        status: 408,
        type: "RequestTimeoutError",
        message: "The request waited too long for a free place in the router.",
      });
    case "stopping":
      return serviceUnavailableError("The router is shutting down.");
  }
}

function placementError(failure: PlacementFailure): ApiError {
  switch (failure.code) {
    case "no_worker":
      return serviceUnavailableError(failure.message);
    case "unsupported_field":
      return unsupportedFieldError(failure.field ?? "");
    case "rank_out_of_range":
      return badRequestError(failure.message);
  }
}

/** The code of a failure for metrics and logs. */
export function failureCode(failure: RequestFailure): RequestFailureCode {
  switch (failure.kind) {
    case "engine":
      return failure.error.code;
    case "refused-output":
      return "refused_output";
    case "not-placed":
      return failure.failure.code;
    case "body-too-large":
      return "payload_too_large";
    case "queue-full":
      return "queue_full";
    case "queue-timeout":
      return "queue_timeout";
    case "stopping":
      return "stopping";
  }
}

/** vLLM ends the text of such an error in ` (parameter=NAME, value=V)`; the name is the error's `param`. */
function parameterOf(message: string): string | null {
  return /\(parameter=([\w.]+)(?:, value=.*)?\)$/s.exec(message)?.[1] ?? null;
}
