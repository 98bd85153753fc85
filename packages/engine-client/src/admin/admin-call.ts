import { EngineError } from "../engine-error.ts";

/** How long an administrative call may take. */
export interface AdminCallOptions {
  /** Instant (milliseconds since the epoch) after which the call fails with `deadline_exceeded`; default 10 s from now. */
  readonly deadlineAtMs?: number;
  /** Cancels the call, which then fails with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Sent with the call, such as `traceparent`; lower-case names. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** The instant a call has to be over. */
export function deadlineOf(options: AdminCallOptions, defaultTimeoutMs: number = DEFAULT_TIMEOUT_MS): number {
  return options.deadlineAtMs ?? Date.now() + defaultTimeoutMs;
}

/** The error of a call that its caller gave up. */
export function cancelledError(): EngineError {
  return new EngineError("cancelled", "the call was cancelled");
}
