/** Closed set of programming and configuration errors of this package. Expected outcomes are values, never errors. */
export const ROUTING_ERROR_CODES = [
  "invalid_parameter",
  "unknown_policy",
  "slots_exhausted",
  "slot_not_reserved",
  "stale_decision",
  "invalid_record",
  "invalid_policy",
  "bad_choice",
  "overlong_policy",
] as const;

/** One of {@link ROUTING_ERROR_CODES}. */
export type RoutingErrorCode = (typeof ROUTING_ERROR_CODES)[number];

/**
 * The only error class of this package: a caller's mistake or a configuration that cannot be honoured. That no worker
 * can take a generation is not an error but a `Decision` of kind `none` or `wait`.
 */
export class RoutingError extends Error {
  override readonly name = "RoutingError";
  readonly code: RoutingErrorCode;

  constructor(code: RoutingErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}
