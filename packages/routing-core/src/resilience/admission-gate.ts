import { RoutingError } from "../routing-error.ts";
import { createTokenBucket } from "./token-bucket.ts";

/** The limit itself: places, and optionally a rate. */
export interface AdmissionGate {
  /** Takes a place (and a rate token) when there is one. */
  tryEnter(nowMs: number): boolean;
  /** Gives a place back. */
  leave(): void;
  /**
   * When time alone will open a gate that is closed by its rate; Infinity when it is closed by its places, which only a
   * `leave` opens.
   */
  nextOpeningAtMs(nowMs: number): number;
}

/** Options of {@link createAdmissionGate}. */
export interface AdmissionGateOptions {
  /** Most requests in flight at once, by all threads together; Infinity for no limit. At least 1. */
  readonly maxConcurrentRequests: number;
  /**
   * Most admissions per second on average, with bursts up to `maxConcurrentRequests` (or one second's worth where that is
   * unlimited). No rate limit when missing. In the Rust router this refill is all the limit there is; here it comes on top
   * of a true limit on what is in flight.
   */
  readonly rateLimitPerSecond?: number | undefined;
  /** Instant from which the rate counts. */
  readonly startAtMs: number;
  /** One-element counter of places taken, shared between threads; own and plain when missing. */
  readonly counter?: Int32Array;
}

/** Creates an open gate. Throws `RoutingError("invalid_parameter")` for a limit below 1 or a rate of 0 or less. */
export function createAdmissionGate(options: AdmissionGateOptions): AdmissionGate {
  const { maxConcurrentRequests, rateLimitPerSecond, counter = new Int32Array(1) } = options;
  if (!(maxConcurrentRequests >= 1)) {
    throw new RoutingError(
      "invalid_parameter",
      `maxConcurrentRequests must be at least 1, got ${maxConcurrentRequests}`,
    );
  }
  if (rateLimitPerSecond !== undefined && !(rateLimitPerSecond > 0)) {
    throw new RoutingError(
      "invalid_parameter",
      `rateLimitPerSecond must be above 0, got ${rateLimitPerSecond}`,
    );
  }
  const bucket =
    rateLimitPerSecond === undefined
      ? null
      : createTokenBucket({
          capacity: Number.isFinite(maxConcurrentRequests)
            ? maxConcurrentRequests
            : Math.max(1, rateLimitPerSecond),
          refillPerSecond: rateLimitPerSecond,
          startAtMs: options.startAtMs,
        });
  return {
    tryEnter(nowMs) {
      // Taken first and given back when it was one too many, so that threads can never exceed the limit together.
      if (
        Atomics.add(counter, 0, 1) >= maxConcurrentRequests ||
        (bucket !== null && !bucket.tryTake(nowMs))
      ) {
        Atomics.sub(counter, 0, 1);
        return false;
      }
      return true;
    },
    leave() {
      Atomics.sub(counter, 0, 1);
    },
    nextOpeningAtMs(nowMs) {
      if (bucket === null || Atomics.load(counter, 0) >= maxConcurrentRequests) {
        return Infinity;
      }
      return bucket.nextTokenAtMs(nowMs);
    },
  };
}
