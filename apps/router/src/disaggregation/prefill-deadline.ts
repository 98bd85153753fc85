import { EngineError } from "@vllm-router/engine-client";

/** When a prefill leg has to be done, and whose time that is. */
export interface PrefillDeadline {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** The leg's failure as the pair is to take it: time of its own that has run out is no end of the request's. */
  readonly read: (error: EngineError) => EngineError;
}

/** A prefill leg has its own time, which the request's may cut short. */
export function prefillDeadline(
  { now, prefillTimeoutMs }: { readonly now: () => number; readonly prefillTimeoutMs: number },
  requestDeadlineAtMs: number | undefined,
): PrefillDeadline {
  const latestAtMs = now() + prefillTimeoutMs;
  if (requestDeadlineAtMs !== undefined && requestDeadlineAtMs <= latestAtMs) {
    return { atMs: requestDeadlineAtMs, read: (error) => error };
  }
  return {
    atMs: latestAtMs,
    read: (error) =>
      error.code === "deadline_exceeded"
        ? new EngineError("unavailable", "the prefill engine took too long", { cause: error })
        : error,
  };
}
