import { EngineError, type EngineErrorCode, type EngineErrorOptions } from "../engine-error.ts";
import { GRPC_STATUS } from "./grpc-status.ts";
import { HTTP2_CODE } from "./http2-code.ts";

const CODE_OF_STATUS: Readonly<Record<number, EngineErrorCode>> = {
  // Our own cancellations are never heard of, so the engine gave up on its own (it is shutting down).
  [GRPC_STATUS.CANCELLED]: "unavailable",
  [GRPC_STATUS.UNKNOWN]: "internal",
  [GRPC_STATUS.INVALID_ARGUMENT]: "rejected",
  [GRPC_STATUS.DEADLINE_EXCEEDED]: "deadline_exceeded",
  [GRPC_STATUS.NOT_FOUND]: "rejected",
  [GRPC_STATUS.ALREADY_EXISTS]: "rejected",
  // Credentials are the operator's business, never the fault of the request.
  [GRPC_STATUS.PERMISSION_DENIED]: "internal",
  [GRPC_STATUS.RESOURCE_EXHAUSTED]: "overloaded",
  [GRPC_STATUS.FAILED_PRECONDITION]: "rejected",
  [GRPC_STATUS.ABORTED]: "unavailable",
  [GRPC_STATUS.OUT_OF_RANGE]: "rejected",
  [GRPC_STATUS.UNIMPLEMENTED]: "unimplemented",
  [GRPC_STATUS.INTERNAL]: "internal",
  [GRPC_STATUS.UNAVAILABLE]: "unavailable",
  [GRPC_STATUS.DATA_LOSS]: "protocol",
  [GRPC_STATUS.UNAUTHENTICATED]: "internal",
};

/** Turns a gRPC status into the error the router sees; the message is the engine's own text. */
export function engineErrorFromStatus(
  status: number,
  message: string,
  options: EngineErrorOptions = {},
): EngineError {
  const code = CODE_OF_STATUS[status];
  if (code === undefined)
    return new EngineError("protocol", `the engine answered with gRPC status ${status}`, options);
  return new EngineError(
    code,
    message === "" ? `the engine answered with gRPC status ${status}` : message,
    options,
  );
}

/** Turns an HTTP status that came instead of a gRPC answer into an error. */
export function engineErrorFromHttpStatus(status: number): EngineError {
  const message = `the engine answered with HTTP status ${status} instead of gRPC`;
  switch (status) {
    case 404:
      return new EngineError("unimplemented", message);
    case 429:
      return new EngineError("overloaded", message);
    case 502:
    case 503:
    case 504:
      return new EngineError("unavailable", message);
    default:
      return new EngineError("protocol", message);
  }
}

/** Turns the HTTP/2 code of a stream that the engine reset into an error. */
export function engineErrorFromReset(code: number, options: EngineErrorOptions = {}): EngineError {
  switch (code) {
    case HTTP2_CODE.REFUSED_STREAM:
      return new EngineError("unavailable", "the engine refused the call", { ...options, notStarted: true });
    case HTTP2_CODE.CANCEL:
      return new EngineError("unavailable", "the engine cancelled the call", options);
    case HTTP2_CODE.ENHANCE_YOUR_CALM:
      return new EngineError("overloaded", "the engine asked for fewer calls", options);
    case HTTP2_CODE.INTERNAL_ERROR:
      return new EngineError("internal", "the engine ended the call with an internal error", options);
    default:
      return new EngineError(
        "protocol",
        `the engine ended the call without a status (HTTP/2 code ${code})`,
        options,
      );
  }
}

/** The text of a `grpc-message` header, which is percent-encoded UTF-8; broken encoding is left as it is. */
export function decodeGrpcMessage(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
