import type { EngineError, EngineErrorCode } from "@vllm-router/engine-client";

/** Whether another worker may do better. A refusal of the request itself and a passed deadline stay what they are. */
const RETRYABLE: Readonly<Record<EngineErrorCode, boolean>> = {
  unavailable: true,
  overloaded: true,
  protocol: true,
  internal: true,
  deadline_exceeded: false,
  cancelled: false,
  rejected: false,
  unimplemented: false,
};

/** True when the same generation may be tried on another worker, before its first output. */
export function isRetryable(error: EngineError): boolean {
  return RETRYABLE[error.code];
}
