/** Closed set of what can go wrong in the router itself, outside of a request's own faults. */
export const ROUTER_ERROR_CODES = [
  "model_files",
  "model_conflict",
  "parsers",
  "listen",
  "startup_timeout",
  "policy_file",
  "policy_timeout",
  "threads",
  "internal",
] as const;

/** One of {@link ROUTER_ERROR_CODES}. */
export type RouterErrorCode = (typeof ROUTER_ERROR_CODES)[number];

/** The only error class of this package; errors of other packages are its cause. */
export class RouterError extends Error {
  override readonly name = "RouterError";
  readonly code: RouterErrorCode;

  constructor(code: RouterErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
