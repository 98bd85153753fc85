/** Closed set of reasons why talking to an engine failed. */
export const ENGINE_ERROR_CODES = [
  "unavailable",
  "overloaded",
  "protocol",
  "deadline_exceeded",
  "cancelled",
  "rejected",
  "unimplemented",
  "internal",
] as const;

/** One of {@link ENGINE_ERROR_CODES}. */
export type EngineErrorCode = (typeof ENGINE_ERROR_CODES)[number];

/** Details of an {@link EngineError}. */
export interface EngineErrorOptions {
  readonly cause?: unknown;
  /**
   * True when the engine surely did no work for the call, so that trying another worker is free of side effects: it could
   * not be reached, refused the stream, or said goodbye before it looked at it. A connection that broke after the request
   * was sent is not such a case, even when no answer had begun. Default false.
   */
  readonly notStarted?: boolean;
}

/**
 * The only error class of this package. `rejected` carries the engine's own words about a bad request (gRPC
 * INVALID_ARGUMENT and kin) and is never retried; `unavailable`, `overloaded`, `protocol` and `internal` may be retried
 * elsewhere before the first byte.
 */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: EngineErrorCode;
  readonly notStarted: boolean;

  constructor(code: EngineErrorCode, message: string, options: EngineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.notStarted = options.notStarted ?? false;
  }
}
