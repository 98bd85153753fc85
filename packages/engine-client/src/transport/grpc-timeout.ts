const MAX_TIMER_MS = 2_147_483_647;

/** The value of a `grpc-timeout` header: at most eight digits and a unit. Never less than one millisecond. */
export function grpcTimeout(remainingMs: number): string {
  const ms = Math.max(1, Math.ceil(remainingMs));
  if (ms < 100_000_000) return `${ms}m`;
  const seconds = Math.ceil(ms / 1000);
  return seconds < 100_000_000 ? `${seconds}S` : `${Math.min(Math.ceil(seconds / 3600), 99_999_999)}H`;
}

/** A delay a timer can be given; longer ones are cut to 24.8 days, the longest a timer knows. */
export function timerDelay(remainingMs: number): number {
  return Math.min(Math.max(0, remainingMs), MAX_TIMER_MS);
}
